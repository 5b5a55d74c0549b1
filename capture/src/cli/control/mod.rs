//! `capture ctl`: changes to a running capture, through a socket that it listens on.
//!
//! A line of JSON asks, a line of JSON answers:
//!
//! ```text
//! {"command":"status"}                                   {"ok":true,"pid":4711,…}
//! {"command":"filter","expression":"tcp port 443"}       {"ok":true}
//! {"command":"filter","expression":"tcp prot 443"}       {"ok":false,"error":"…"}
//! {"command":"filter","clear":true}                      {"ok":true}
//! {"command":"sample","packets":100,"flows":1,"control":"kept"}   {"ok":true}
//! {"command":"stop"}                                     {"ok":true}
//! ```
//!
//! - `client.rs` the one that asks
//! - `listener.rs` the one that answers
//! - `place.rs` where sockets lie

mod client;
mod listener;
mod place;

pub(super) use client::run;
pub(super) use listener::{Listener, Reply};

use serde_json::{Value, json};

use crate::flow::Sampling;
use crate::kernel::Control;

/// Bytes of a line at most: an expression with some ten thousand hosts.
const MAX_LINE: u64 = 1 << 20;

/// What becomes of control segments, in a request.
const SAMPLED: &str = "sampled";
const KEPT: &str = "kept";
const KEPT_OF_ALL: &str = "kept-of-all";

/// What is asked of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// How it stands.
    Status,
    /// Another filter; `None` for none.
    Filter {
        /// The expression.
        expression: Option<String>,
        /// Whether names of hosts may be looked up.
        resolve: bool,
    },
    /// Another sampling.
    Sample {
        /// One of how many packets and connections.
        sampling: Sampling,
        /// What becomes of SYN, FIN and RST.
        control: Control,
    },
    /// Its end.
    Stop,
}

impl Request {
    fn to_json(&self) -> Value {
        match self {
            Self::Status => json!({"command": "status"}),
            Self::Filter {
                expression: Some(expression),
                resolve,
            } => json!({"command": "filter", "expression": expression, "resolve": resolve}),
            Self::Filter { .. } => json!({"command": "filter", "clear": true}),
            Self::Sample { sampling, control } => json!({
                "command": "sample",
                "packets": sampling.packets,
                "flows": sampling.flows,
                "control": match control {
                    Control::Sampled => SAMPLED,
                    Control::Kept => KEPT,
                    Control::KeptOfAll => KEPT_OF_ALL,
                },
            }),
            Self::Stop => json!({"command": "stop"}),
        }
    }

    fn from_json(line: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(line).map_err(|error| format!("not a line of JSON: {error}"))?;
        let flag = |name: &str| value[name].as_bool().unwrap_or_default();
        match value["command"].as_str() {
            Some("status") => Ok(Self::Status),
            Some("stop") => Ok(Self::Stop),
            Some("sample") => {
                let share = |name: &str| match &value[name] {
                    Value::Null => Ok(1),
                    given => given
                        .as_u64()
                        .and_then(|share| u32::try_from(share).ok())
                        .filter(|share| *share > 0)
                        .ok_or_else(|| format!("{name:?} is one of how many: a number from 1 on")),
                };
                let control = match value["control"].as_str() {
                    None | Some(SAMPLED) => Control::Sampled,
                    Some(KEPT) => Control::Kept,
                    Some(KEPT_OF_ALL) => Control::KeptOfAll,
                    Some(other) => {
                        return Err(format!(
                            "\"control\" is {SAMPLED}, {KEPT} or {KEPT_OF_ALL}, not {other:?}"
                        ));
                    }
                };
                Ok(Self::Sample {
                    sampling: Sampling {
                        packets: share("packets")?,
                        flows: share("flows")?,
                    },
                    control,
                })
            }
            Some("filter") => match value["expression"].as_str() {
                Some(expression) => Ok(Self::Filter {
                    expression: Some(expression.to_owned()),
                    resolve: flag("resolve"),
                }),
                None if flag("clear") => Ok(Self::Filter {
                    expression: None,
                    resolve: false,
                }),
                None => Err("filter wants an \"expression\", or \"clear\"".to_owned()),
            },
            Some(other) => Err(format!(
                "no command {other:?}; there are status, filter, sample and stop"
            )),
            None => Err("a \"command\" is missing".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_arrive_as_they_were_sent() {
        for request in [
            Request::Status,
            Request::Stop,
            Request::Sample {
                sampling: Sampling {
                    packets: 100,
                    flows: 7,
                },
                control: Control::KeptOfAll,
            },
            Request::Filter {
                expression: None,
                resolve: false,
            },
            Request::Filter {
                expression: Some("tcp port 443 and not host \"x\"\n".to_owned()),
                resolve: true,
            },
        ] {
            let line = request.to_json().to_string();
            assert!(!line.contains('\n'));
            assert_eq!(Request::from_json(&line), Ok(request));
        }
    }

    #[test]
    fn requests_that_make_no_sense_are_refused_in_words() {
        for (line, words) in [
            ("stop", "not a line of JSON"),
            ("{}", "\"command\" is missing"),
            (
                r#"{"command":"sample","packets":0}"#,
                "\"packets\" is one of",
            ),
            (
                r#"{"command":"sample","flows":"few"}"#,
                "\"flows\" is one of",
            ),
            (
                r#"{"command":"sample","control":"some"}"#,
                "is sampled, kept or",
            ),
            ("{\"command\":\"fly\"}", "no command \"fly\""),
            ("{\"command\":\"filter\"}", "wants an \"expression\""),
        ] {
            let error = Request::from_json(line).unwrap_err();
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
