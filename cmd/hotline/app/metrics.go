package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/jobs"
	"hotline/telephony"
)

var (
	callsNow   = prometheus.NewDesc("hotline_calls", "Calls going on.", nil, nil)
	legsNow    = prometheus.NewDesc("hotline_sip_sessions", "SIP legs open.", nil, nil)
	portsNow   = prometheus.NewDesc("hotline_rtp_legs", "RTP legs open.", nil, nil)
	waitingNow = prometheus.NewDesc("hotline_callers_waiting", "Callers waiting in queues.", nil, nil)
	seatsNow   = prometheus.NewDesc("hotline_seats", "Seats by state.", []string{"state"}, nil)
	spooledNow = prometheus.NewDesc("hotline_recordings_spooled", "Recordings on their way to the blob store.", nil, nil)

	owedNow      = prometheus.NewDesc("hotline_outbox_owed", "Effects owed and not done.", []string{"topic"}, nil)
	deadlinesSum = prometheus.NewDesc("hotline_deadlines_fired_total", "Deadlines fired by this node.", nil, nil)
	sweepsSum    = prometheus.NewDesc("hotline_queue_sweeps_total", "Sweeps of the outbox by this node.", nil, nil)
	epochsSum    = prometheus.NewDesc("hotline_queue_epochs_total", "Times the queue was found new, wiped or back.", nil, nil)
	queueUp      = prometheus.NewDesc("hotline_queue_up", "1 when the queue answers.", nil, nil)
)

// callMetrics reads the call centre at every scrape.
type callMetrics struct{ center *telephony.Center }

func (m callMetrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

func (m callMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	c := m.center.Counts()
	gauge(callsNow, c.Calls)
	gauge(legsNow, c.Sessions)
	gauge(portsNow, c.Ports)
	gauge(waitingNow, c.Waiting)
	gauge(spooledNow, c.Spooled)
	states := map[string]int{}
	for _, a := range m.center.Agents() {
		states[string(a.State)]++
	}
	for state, n := range states {
		gauge(seatsNow, n, state)
	}
}

// workerMetrics reads the workers at every scrape.
type workerMetrics struct{ runner *jobs.Runner }

func (m workerMetrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

func (m workerMetrics) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	stats := m.runner.Stats()
	counter(deadlinesSum, stats.Deadlines)
	counter(sweepsSum, stats.Sweeps)
	counter(epochsSum, stats.Epochs)
	up := 1.0
	if stats.QueueDown {
		up = 0
	}
	out <- prometheus.MustNewConstMetric(queueUp, prometheus.GaugeValue, up)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	owed, err := m.runner.Backlog(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(owedNow, err)
		return
	}
	for topic, n := range owed {
		out <- prometheus.MustNewConstMetric(owedNow, prometheus.GaugeValue, float64(n), topic)
	}
}
