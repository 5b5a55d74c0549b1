//! What the stack still gets while somebody listens: frames for the receiving host as fast as they go,
//! counted where IPv4 takes them in.
//!
//! The frames are for addresses that the host does not have, so IPv4 looks up a route and drops them: what is
//! compared is the way there.

use anyhow::{Context as _, Result, ensure};
use capture_tests::oracle::is_installed;

use crate::frames::{Addressed, Traffic, Wire};
use crate::peer::Peer;
use crate::receiver::{MODES, Receiver, Setting, trial};
use crate::report::charts::median;
use crate::report::{Through, words};

/// Frames of the run that tells how many make the others as long as they are to be.
const PROBE: u64 = 200_000;

/// Who listens, of those that were chosen: only who lets packets go on.
fn listeners(chosen: &[Receiver]) -> Vec<Option<Receiver>> {
    let modes = MODES
        .iter()
        .filter(|mode| mode.id.starts_with("mirror"))
        .map(Receiver::Capture);
    let peers = Peer::ALL
        .into_iter()
        .filter(|peer| is_installed(peer.program()))
        .map(Receiver::Peer);
    let all = modes
        .chain(peers)
        .filter(|receiver| chosen.contains(receiver));
    [None].into_iter().chain(all.map(Some)).collect()
}

/// Measures, in turn, so many times. Nothing if nobody of those chosen lets packets go on.
///
/// # Errors
///
/// When the wire cannot be made, or a capture fails.
pub(crate) fn through(
    traffic: Traffic,
    chosen: &[Receiver],
    setting: &Setting,
    (seconds, runs): (u32, u32),
    told: &mut dyn FnMut(&str),
) -> Result<Vec<Through>> {
    let listeners = listeners(chosen);
    if listeners.len() < 2 {
        return Ok(Vec::new());
    }
    let mut rows: Vec<Through> = listeners
        .iter()
        .map(|listener| Through {
            id: listener.map_or("nobody", Receiver::id).to_owned(),
            name: listener.map_or("nobody", Receiver::name).to_owned(),
            ..Through::default()
        })
        .collect();
    for _ in 0..runs {
        for (listener, row) in listeners.iter().zip(&mut rows) {
            let wire = Wire::new(traffic)?;
            let (rate, loss) = run(*listener, &wire, setting, seconds)
                .with_context(|| format!("what the stack gets with {}", row.name))?;
            row.runs_pps.push(rate);
            row.loss = loss.map(|loss| row.loss.unwrap_or(0.0).max(loss));
        }
    }
    let mut alone = 0.0;
    for row in &mut rows {
        row.rate_pps = median(row.runs_pps.clone());
        if row.id == "nobody" {
            alone = row.rate_pps;
        }
        row.share = row.rate_pps / alone;
        told(&format!(
            "what the stack gets: {:<26} {} Mpps, {}",
            row.name,
            words::mpps(row.rate_pps),
            words::percent(row.share)
        ));
    }
    Ok(rows)
}

/// Datagrams a second that reach IPv4, and the part that the capture lost.
fn run(
    listener: Option<Receiver>,
    wire: &Wire,
    setting: &Setting,
    seconds: u32,
) -> Result<(f64, Option<f64>)> {
    let load = |rate: f64| ((rate * f64::from(seconds)) as u64, None);
    let (arrived, sent, sent_seconds, loss) = if let Some(receiver) = listener {
        let probe = trial(receiver, wire, setting, (PROBE, None), Addressed::ToHost)?;
        let before = wire.in_receives()?;
        let trial = trial(
            receiver,
            wire,
            setting,
            load(probe.sent_pps),
            Addressed::ToHost,
        )?;
        let arrived = wire.in_receives()? - before;
        (arrived, trial.sent, trial.seconds, Some(trial.loss()))
    } else {
        let _open = wire.open()?;
        let probe = wire.send(PROBE, None, Addressed::ToHost)?;
        let before = wire.in_receives()?;
        let (frames, rate) = load(probe.rate());
        let sent = wire.send(frames, rate, Addressed::ToHost)?;
        (
            wire.in_receives()? - before,
            sent.frames,
            sent.seconds,
            None,
        )
    };
    ensure!(arrived > 0, "none of {sent} frames reached IPv4");
    Ok((arrived as f64 / sent_seconds, loss))
}
