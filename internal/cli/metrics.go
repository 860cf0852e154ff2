package cli

import (
	"context"
	"errors"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/mqrpc/mqrpc/catalog"
	"github.com/mqrpc/mqrpc/runtime"
)

// withMetrics adds GET /metrics, in Prometheus's format, to the operators'
// handler of the APIs: the figures of the gateway, of its client and of its
// process. stop ends it.
func withMetrics(apis *catalog.Catalog, client *runtime.Client) (handler http.Handler, stop func(context.Context) error, err error) {
	collected := prometheus.NewRegistry()
	collected.MustRegister( // it is empty, so nothing can clash
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	exporter, err := otelprometheus.New(otelprometheus.WithRegisterer(collected))
	if err != nil {
		return nil, nil, err
	}
	provider := sdkmetric.NewMeterProvider(sdkmetric.WithReader(exporter))
	unobserve, err := apis.Observe(provider.Meter("github.com/mqrpc/mqrpc/gateway"))
	if err == nil {
		err = observeClient(client, provider.Meter("github.com/mqrpc/mqrpc/runtime"))
	}
	if err != nil {
		return nil, nil, errors.Join(err, provider.Shutdown(context.Background()))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(collected, promhttp.HandlerOpts{}))
	mux.Handle("/", apis.Admin())
	return mux, func(ctx context.Context) error { return errors.Join(unobserve(), provider.Shutdown(ctx)) }, nil
}
