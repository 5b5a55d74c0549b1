//! What needs a kernel to talk to: network namespaces, attached programs, real connections.

mod support;

#[cfg(test)]
mod steering;
