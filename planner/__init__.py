"""Forecast and live capacity in, `Plan` out: requirements, placement, addresses, failover, staging, reasons, changes.

Pure: no clock, file, process or chance. The solver is handed in (`planner.model.Solver`), and runs in a child process
that the coordinator starts.
"""
