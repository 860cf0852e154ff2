package wire_test

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	mqrpcv1 "github.com/mqrpc/mqrpc/proto/mqrpc/v1"
	"github.com/mqrpc/mqrpc/wire"
)

func TestDecodeClaim(t *testing.T) {
	good := &mqrpcv1.Claim{Module: "wxapp", Version: "1.0", Instance: "host-1"}
	for name, tc := range map[string]struct {
		change    func(*mqrpcv1.Claim)
		key       string
		malformed bool
	}{
		"good":              {func(*mqrpcv1.Claim) {}, "wxapp.1_0", false},
		"another's key":     {func(*mqrpcv1.Claim) {}, "other.1_0", true},
		"another version":   {func(c *mqrpcv1.Claim) { c.Version = "1.1" }, "wxapp.1_0", true},
		"no instance":       {func(c *mqrpcv1.Claim) { c.Instance = "" }, "wxapp.1_0", true},
		"instance of words": {func(c *mqrpcv1.Claim) { c.Instance = "a.b" }, "wxapp.1_0", true},
		"too large":         {func(c *mqrpcv1.Claim) { c.Host = strings.Repeat("h", wire.MaxTellingBytes) }, "wxapp.1_0", true},
	} {
		t.Run(name, func(t *testing.T) {
			claim := proto.Clone(good).(*mqrpcv1.Claim)
			tc.change(claim)
			_, err := wire.DecodeClaim(mustMarshal(claim), tc.key)
			expectMalformedIf(t, tc.malformed, err)
		})
	}
}

func TestDecodeHeartbeat(t *testing.T) {
	beat := &mqrpcv1.Heartbeat{Module: "wxapp", Instance: "host-1", Versions: []*mqrpcv1.HeartbeatVersion{{Version: "1.0"}}}
	_, err := wire.DecodeHeartbeat(mustMarshal(beat), "wxapp.all")
	expectMalformedIf(t, false, err)
	_, err = wire.DecodeHeartbeat(mustMarshal(beat), "other.all")
	expectMalformedIf(t, true, err)
	beat.Versions[0].Version = "a b"
	_, err = wire.DecodeHeartbeat(mustMarshal(beat), "wxapp.all")
	expectMalformedIf(t, true, err)
}

func TestDecodeCancelBoundsItsDigests(t *testing.T) {
	_, err := wire.DecodeCancel(mustMarshal(&mqrpcv1.Cancel{Digests: make([]uint64, wire.MaxDigests)}))
	expectMalformedIf(t, false, err)
	_, err = wire.DecodeCancel(mustMarshal(&mqrpcv1.Cancel{Digests: make([]uint64, wire.MaxDigests+1)}))
	expectMalformedIf(t, true, err)
}

func expectMalformedIf(t *testing.T, malformed bool, err error) {
	t.Helper()
	if malformed {
		expectMalformed(t, err)
	} else if err != nil {
		t.Error(err)
	}
}
