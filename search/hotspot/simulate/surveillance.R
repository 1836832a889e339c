# What R's package surveillance warns of in simulated counts, to compare:
#   hotline hotspot simulate --out sim.csv
#   Rscript surveillance.R sim.csv farringtonFlexible farrington.csv
#   Rscript surveillance.R sim.csv C2 c2.csv
#   hotline hotspot backtest --in sim.csv --out out.csv --beside farrington=farrington.csv --beside c2=c2.csv
# The last year of each series is gone through.
suppressMessages(library(surveillance))
args <- commandArgs(TRUE)
counts <- read.csv(args[1])
method <- args[2]
parts <- lapply(split(counts, counts$series), function(d) {
  last <- (nrow(d) - 364):nrow(d)
  start <- as.Date(d$date[1])
  if (method == "farringtonFlexible") {
    s <- sts(observed = d$count, epoch = as.numeric(as.Date(d$date)), epochAsDate = TRUE, frequency = 365)
    control <- list(range = last, b = 3, w = 15, noPeriods = 10, weightsThreshold = 2.58, pastWeeksNotIncluded = 10,
                    pThresholdTrend = 1, trend = TRUE, thresholdMethod = "nbPlugin", alpha = 0.01, limit54 = c(0, 4))
    result <- farringtonFlexible(s, control)
  } else {
    s <- sts(observed = d$count, frequency = 365)
    result <- earsC(s, control = list(range = last, method = method, alpha = 0.01))
  }
  data.frame(series = d$series[last], date = d$date[last], alert = as.integer(result@alarm))
})
write.csv(do.call(rbind, parts), args[3], row.names = FALSE)
