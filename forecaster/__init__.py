"""History in, `Forecast` out: quantiles per series, calibrated on held-back windows.

`sources/` reads telemetry, `history/` keeps it; everything else here turns values into values. The way through:
`sources.files` -> `history.store` -> `prepare` -> `engine` (families, `backcast`, `blend`, `calibration`) -> `make`.
"""
