// Package wxapp is the example of the README beside it: a contract in two
// versions, a worker for each, and a client. The code is in the folders below.
package wxapp
