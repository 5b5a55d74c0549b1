//! pcapng files as a sink.
