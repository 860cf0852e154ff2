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

	"github.com/mqrpc/mqrpc/gateway/dynamic"
)

// withMetrics adds GET /metrics, in Prometheus's format, to the operators'
// handler: the gateway's figures and those of its process. stop ends it.
func withMetrics(apis *dynamic.APIs, admin http.Handler) (handler http.Handler, stop func(context.Context) error, err error) {
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
	if err != nil {
		return nil, nil, errors.Join(err, provider.Shutdown(context.Background()))
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(collected, promhttp.HandlerOpts{}))
	mux.Handle("/", admin)
	return mux, func(ctx context.Context) error { return errors.Join(unobserve(), provider.Shutdown(ctx)) }, nil
}
