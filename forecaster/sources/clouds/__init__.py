"""Metrics of clouds: CloudWatch and Cloud Monitoring. Their clients are imported when the first question is asked."""
