package web

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/ticketing"
)

// metrics counts what the server does. Labels are route patterns and never
// hold data.
type metrics struct {
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	signIns  *prometheus.CounterVec
	actions  *prometheus.CounterVec
	reg      prometheus.Registerer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		reg: reg,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotline_http_requests_total", Help: "HTTP requests by method, route and status.",
		}, []string{"method", "route", "status"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hotline_http_request_seconds", Help: "Time to the end of the handler, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15},
		}, []string{"route"}),
		signIns: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotline_sign_ins_total", Help: "Sign-ins by outcome.",
		}, []string{"outcome"}),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hotline_http_ticket_actions_total", Help: "Actions done over HTTP by the state they led to.",
		}, []string{"state"}),
	}
	if reg != nil {
		reg.MustRegister(m.requests, m.took, m.signIns, m.actions)
	}
	return m
}

// watch adds what is asked at each scrape.
func (m *metrics) watch(h *hub) {
	if m.reg == nil {
		return
	}
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hotline_live_streams", Help: "Open streams of live events.",
	}, func() float64 { return float64(h.count()) }))
}

func (m *metrics) request(method, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route).Observe(took.Seconds())
}

func (m *metrics) signIn(outcome string) { m.signIns.WithLabelValues(outcome).Inc() }

func (m *metrics) action(state ticketing.State) { m.actions.WithLabelValues(string(state)).Inc() }
