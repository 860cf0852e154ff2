// Package runtime is what generated code and its users import: workers,
// clients, and their errors. What carries their messages is a transport.
//
// A worker serves an implementation:
//
//	worker := runtime.NewWorker(transport, runtime.WorkerConfig{})
//	wxappv1.RegisterWxappManagerServer(worker, implementation)
//	err := worker.Run(ctx) // until ctx ends
//
// A client calls it:
//
//	client := runtime.NewClient(transport, runtime.ClientConfig{})
//	wxapp := wxappv1.NewWxappManagerClient(client)
//	response, err := wxapp.SessionKey(ctx, request)
//
// A transport comes from runtime/rabbitmq, or runtime/memory for one process.
//
// The files:
//
//   - method.go, call.go, metadata.go, error.go: the vocabulary of a call
//   - client.go: making calls; client_open.go the calls that wait for their
//     outcome, client_expiry.go their deadlines, client_send.go and
//     client_receive.go the two directions
//   - worker.go: the life of a worker; worker_receive.go from a message to its
//     calls, worker_handle.go from a call to its reply, pool.go the handlers'
//     goroutines
//   - describe.go, announcer.go: what a worker says of the APIs that it serves
//   - batching.go: how calls and replies gather in messages, which internal/batch
//     does
//   - counters.go: what clients and workers count
package runtime
