"""Flow records of collectors: NetFlow, IPFIX and sFlow as pmacct and goflow2 write them."""
