package transcode

import (
	"math"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"
)

// randomNumbers is how many random numbers of each kind are compared.
const randomNumbers = 20_000

func TestDoublesToJSON(t *testing.T) {
	converter := converterOf(t, &wrapperspb.DoubleValue{}, Options{})
	check := func(f float64) {
		t.Helper()
		checkFast(t, converter, wrapperspb.Double(f))
		checkFast(t, converter, wrapperspb.Double(-f))
	}
	for _, f := range []float64{
		0, 1, 0.1, 0.5, 12.5, 99.99, 1.005, 123456.789, 0.000001, 0.0000012, 9.99e-7, 1e-7, 1e-10, 1e-100,
		1e15, 1e16, 123456789012345680, 1e20, 1e21, 1.5e21, 1e22, 1e300,
		1<<53 - 1, 1 << 53, 1<<53 + 2, 1 << 63, 1 << 62, 1 << 64, 0.3, 2.0 / 3,
		math.MaxFloat64, math.SmallestNonzeroFloat64, math.Pi, math.Inf(1), math.NaN(),
	} {
		check(f)
		check(math.Nextafter(f, 0))
		check(math.Nextafter(f, math.Inf(1)))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range randomNumbers {
		check(math.Float64frombits(random.Uint64()))
		check(float64(random.IntN(1e9)) / math.Pow10(random.IntN(14)))
		check(float64(random.Int64()) / math.Pow10(random.IntN(24)))
	}
}

func TestFloatsToJSON(t *testing.T) {
	converter := converterOf(t, &wrapperspb.FloatValue{}, Options{})
	check := func(f float32) {
		t.Helper()
		checkFast(t, converter, wrapperspb.Float(f))
		checkFast(t, converter, wrapperspb.Float(-f))
	}
	for _, f := range []float32{
		0, 1, 0.1, 0.5, 12.5, 99.99, 0.000001, 9.99e-7, 1e-7, 1e-10, 1e15, 1e16, 16777217, 16777218, 123456789, 1e20, 1e21, 1.5e21,
		math.MaxFloat32, math.SmallestNonzeroFloat32, math.Pi, float32(math.Inf(1)), float32(math.NaN()),
	} {
		check(f)
		check(math.Nextafter32(f, 0))
		check(math.Nextafter32(f, float32(math.Inf(1))))
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range randomNumbers {
		check(math.Float32frombits(random.Uint32()))
		check(float32(random.IntN(1e6)) / float32(math.Pow10(random.IntN(10))))
	}
}

func TestIntegersToJSON(t *testing.T) {
	signed32, signed64 := converterOf(t, &wrapperspb.Int32Value{}, Options{}), converterOf(t, &wrapperspb.Int64Value{}, Options{})
	unsigned32, unsigned64 := converterOf(t, &wrapperspb.UInt32Value{}, Options{}), converterOf(t, &wrapperspb.UInt64Value{}, Options{})
	check := func(n uint64) {
		checkFast(t, signed32, wrapperspb.Int32(int32(n)))
		checkFast(t, signed64, wrapperspb.Int64(int64(n)))
		checkFast(t, unsigned32, wrapperspb.UInt32(uint32(n)))
		checkFast(t, unsigned64, wrapperspb.UInt64(n))
	}
	for bits := range 64 {
		for _, n := range []uint64{1 << bits, 1<<bits - 1, 1<<bits + 1} {
			check(n)
			check(-n)
		}
	}
	for n := uint64(1); n < 1e19; n *= 10 {
		check(n)
		check(n - 1)
		check(-n)
	}
}
