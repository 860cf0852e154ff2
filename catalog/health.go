package catalog

import "time"

// RegistryHealth is how the registry behind a gateway's APIs gets on, as it
// stands in the body of /readyz.
type RegistryHealth struct {
	// Available is false while the registry does not answer.
	Available bool `json:"available"`
	// Since is when that was first seen. Zero: nothing has been asked yet.
	Since time.Time `json:"since,omitzero"`
	// Error says why it does not answer. It is not for strangers, who may read
	// /readyz.
	Error string `json:"-"`
	// Snapshot is true while the registry does not answer and APIs are served
	// as the snapshot on disk has them, which may be out of date.
	Snapshot bool `json:"snapshot"`
	// SnapshotAPIs is the number of those APIs.
	SnapshotAPIs int `json:"snapshotApis"`
}
