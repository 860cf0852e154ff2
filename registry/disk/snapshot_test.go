package disk_test

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"google.golang.org/protobuf/proto"

	"github.com/mqrpc/mqrpc/contract"
	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/registry"
	"github.com/mqrpc/mqrpc/registry/disk"
	"github.com/mqrpc/mqrpc/registry/registrytest"
)

var key = contract.Key{Module: "wxapp", Version: "1.0"}

func open(t *testing.T, config disk.Config) *disk.Snapshot {
	t.Helper()
	snapshot, err := disk.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

func put(t *testing.T, snapshot *disk.Snapshot, api *mqrpcv1.Api) {
	t.Helper()
	if err := snapshot.Put(api); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, snapshot *disk.Snapshot, api *mqrpcv1.Api) {
	t.Helper()
	got, when, err := snapshot.Get(contract.KeyOf(api))
	if err != nil || !proto.Equal(got, api) {
		t.Fatalf("got sequence %d, want %d; error %v", got.GetSequence(), api.GetSequence(), err)
	}
	if age := time.Since(when); age < -time.Minute || age > time.Minute {
		t.Errorf("it was put %s ago", age)
	}
}

// files are the files below a directory whose names end so.
func files(t *testing.T, dir, suffix string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && strings.HasSuffix(path, suffix) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestPutAndGet(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: dir})
	if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("got error %v, want %v", err, registry.ErrNotFound)
	}
	first := registrytest.API(key, 1, 1)
	second := registrytest.Next(first, time.Second)
	put(t, snapshot, first)
	want(t, snapshot, first)
	put(t, snapshot, second)
	put(t, snapshot, first) // late
	want(t, snapshot, second)
	want(t, open(t, disk.Config{Dir: dir}), second) // after a restart
	big := registrytest.BigAPI(key, 4, 3<<20)
	put(t, snapshot, big)
	want(t, snapshot, big)

	put(t, snapshot, registrytest.Tombstone(second)) // late
	want(t, snapshot, big)
	put(t, snapshot, registrytest.Tombstone(big))
	if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrNotFound) {
		t.Fatalf("after the deletion: got error %v, want %v", err, registry.ErrNotFound)
	}
	if left := files(t, dir, ".api"); len(left) > 0 {
		t.Errorf("files are left: %v", left)
	}
}

// TestDamaged damages a file in every way that a disk knows.
func TestDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"empty":          func([]byte) []byte { return nil },
		"cut off":        func(b []byte) []byte { return b[:len(b)/2] },
		"one bit":        func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
		"zeros":          func(b []byte) []byte { return make([]byte, len(b)) },
		"longer":         func(b []byte) []byte { return append(b, 0) },
		"another header": func(b []byte) []byte { b[3] = 'X'; return b },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			snapshot := open(t, disk.Config{Dir: dir})
			api := registrytest.API(key, 1, 1)
			other := registrytest.API(contract.Key{Module: "other", Version: "1"}, 1, 1)
			put(t, snapshot, api)
			path := files(t, dir, ".api")[0]
			put(t, snapshot, other)
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(content), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrCorrupt) {
				t.Fatalf("got error %v, want %v", err, registry.ErrCorrupt)
			}
			if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrNotFound) {
				t.Fatalf("the second time: got error %v, want %v", err, registry.ErrNotFound)
			}
			if aside := files(t, dir, ".damaged"); len(aside) != 1 {
				t.Errorf("set aside are %v", aside)
			}
			var all []string
			for api := range snapshot.All() {
				all = append(all, contract.KeyOf(api).String())
			}
			if fmt.Sprint(all) != "[other/1]" {
				t.Errorf("all are %v", all)
			}
			put(t, snapshot, api)
			want(t, snapshot, api)
		})
	}
}

// TestSwapped puts one API's file in another's place.
func TestSwapped(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: dir})
	put(t, snapshot, registrytest.API(key, 1, 1))
	mine := files(t, dir, ".api")[0]
	other := registrytest.API(contract.Key{Module: "other", Version: "1"}, 1, 1)
	scratch := t.TempDir()
	put(t, open(t, disk.Config{Dir: scratch}), other)
	if err := os.Rename(files(t, scratch, ".api")[0], mine); err != nil {
		t.Fatal(err)
	}
	if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrCorrupt) {
		t.Fatalf("got error %v, want %v", err, registry.ErrCorrupt)
	}
}

func TestHostileNames(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: filepath.Join(dir, "snapshot")})
	for _, hostile := range []contract.Key{
		{Module: "../../evil", Version: "1"}, {Module: "a", Version: ".."}, {Module: "", Version: "1"},
		{Module: "a/b", Version: "1"}, {Module: "a\x00b", Version: "1"}, {Module: strings.Repeat("a", 300), Version: "1"},
	} {
		api := registrytest.API(hostile, 1, 1)
		if err := snapshot.Put(api); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("put %q: got error %v, want %v", hostile, err, registry.ErrInvalid)
		}
		if _, _, err := snapshot.Get(hostile); !errors.Is(err, registry.ErrInvalid) {
			t.Errorf("get %q: got error %v, want %v", hostile, err, registry.ErrInvalid)
		}
	}
	// Names that a careless layout, or a file system without case, mixes up.
	var apis []*mqrpcv1.Api
	for _, name := range []string{"a/1", "A/1", "a_/1", "a-/1", "con/1", "a/1.0", "a/1-0", "a" + strings.Repeat("b", 99) + "/1"} {
		k, err := contract.ParseKey(name)
		if err != nil {
			t.Fatal(err)
		}
		apis = append(apis, registrytest.API(k, 1, 1))
		put(t, snapshot, apis[len(apis)-1])
	}
	for _, api := range apis {
		want(t, snapshot, api)
	}
	lower := make(map[string]bool)
	for _, path := range files(t, dir, ".api") {
		if lower[strings.ToLower(path)] {
			t.Errorf("%s differs from another file by case only", path)
		}
		lower[strings.ToLower(path)] = true
	}
}

func TestBounds(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: dir, MaxBytes: 600 << 10})
	for i := range 20 {
		put(t, snapshot, registrytest.BigAPI(contract.Key{Module: fmt.Sprintf("m%d", i), Version: "1"}, 1, 64<<10))
		var size int64
		for _, path := range files(t, dir, "") {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			size += info.Size()
		}
		if size > 700<<10 {
			t.Fatalf("after %d puts there are %d bytes", i+1, size)
		}
	}
	if _, _, err := snapshot.Get(contract.Key{Module: "m19", Version: "1"}); err != nil {
		t.Errorf("the newest: %v", err)
	}
	if _, _, err := snapshot.Get(contract.Key{Module: "m0", Version: "1"}); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("the oldest: got error %v, want %v", err, registry.ErrNotFound)
	}
}

func TestAge(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: dir, MaxAge: time.Hour})
	api := registrytest.API(key, 1, 1)
	put(t, snapshot, api)
	path := files(t, dir, ".api")[0]
	orphan := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"123")
	if err := os.WriteFile(orphan, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	for _, file := range []string{path, orphan} {
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := snapshot.Get(key); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, registry.ErrNotFound)
	}
	put(t, snapshot, api) // the same state again
	want(t, snapshot, api)
	open(t, disk.Config{Dir: dir, MaxAge: time.Hour})
	if left := files(t, dir, "123"); len(left) > 0 {
		t.Errorf("orphans are left: %v", left)
	}
	want(t, snapshot, api)
}

// TestConcurrent has several snapshots of one directory put the same APIs, as
// several gateways of a machine do.
func TestConcurrent(t *testing.T) {
	const states = 20
	dir := t.TempDir()
	var group sync.WaitGroup
	for worker := range 4 {
		snapshot := open(t, disk.Config{Dir: dir})
		group.Go(func() {
			for i := range states {
				sequence := int64((i*7+worker)%states) + 1
				if err := snapshot.Put(registrytest.API(key, sequence, 1)); err != nil {
					t.Error(err)
				}
				if _, _, err := snapshot.Get(key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	want(t, open(t, disk.Config{Dir: dir}), registrytest.API(key, states, 1))
	if left := files(t, dir, ""); len(left) != 2 { // the state and the lock
		t.Errorf("temporary files are left: %v", left)
	}
}

func TestUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Open(disk.Config{Dir: file}); err == nil {
		t.Error("a file was opened as a directory")
	}
}

// TestAnotherProcessStandsStill: its lock holds no reader up, and a writer waits
// until it is given back.
func TestAnotherProcessStandsStill(t *testing.T) {
	dir := t.TempDir()
	snapshot := open(t, disk.Config{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	put(t, snapshot, registrytest.API(key, 1, 1))
	file := files(t, dir, ".api")[0]
	if err := os.WriteFile(file, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(filepath.Join(filepath.Dir(file), ".lock"))
	if err := lock.Lock(); err != nil {
		t.Fatal(err)
	}
	read := make(chan error, 1)
	go func() { _, _, err := snapshot.Get(key); read <- err }()
	select {
	case err := <-read:
		if !errors.Is(err, registry.ErrCorrupt) {
			t.Errorf("got error %v, want %v", err, registry.ErrCorrupt)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a reader waits for another process's lock")
	}
	written := make(chan error, 1)
	go func() { written <- snapshot.Put(registrytest.API(key, 2, 1)) }()
	if err := lock.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
	want(t, snapshot, registrytest.API(key, 2, 1))
}
