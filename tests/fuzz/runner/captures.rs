//! Inputs made of real captures: the beginnings of files, and packets.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use capture::source::file::{FileSource, Numbering};
use capture_fuzz::{Shape, Target, seeds};

/// Inputs at most.
const MOST: usize = 600;

/// Inputs for a target, from all capture files below a folder.
pub(super) fn inputs(folder: &Path, target: &Target) -> Result<Vec<Vec<u8>>> {
    let mut files = Vec::new();
    find(folder, &mut files)?;
    files.sort_unstable();
    let mut all = Vec::new();
    for path in files {
        match target.shape {
            Shape::File { prefix } => {
                let file = fs::read(&path)?;
                let mut input = vec![all.len() as u8; prefix];
                input.extend(file.iter().take(target.max_len - prefix));
                all.push(input);
            }
            Shape::Packet { prefix } => packets(&path, prefix, &mut all),
            Shape::Expression { .. } | Shape::Steps { .. } => {}
        }
    }
    // Some of each kind, if there are many.
    let step = all.len().div_ceil(MOST).max(1);
    Ok(all.into_iter().step_by(step).collect())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|ending| {
            ["pcap", "pcapng", "cap"]
                .iter()
                .any(|known| ending == *known)
        }) {
            files.push(path);
        }
    }
    Ok(())
}

/// A few packets of a file; one that cannot be read has none.
fn packets(path: &Path, prefix: usize, all: &mut Vec<Vec<u8>>) {
    let Ok(mut source) = FileSource::open(path, Numbering::default()) else {
        return;
    };
    let mut slots = Vec::new();
    let Ok(Some(block)) = source.next_batch(&mut slots, 64) else {
        return;
    };
    for slot in slots.iter().step_by(8) {
        let packet = slot.packet(&block);
        let mut input = vec![0; prefix];
        let link = (0..=u8::MAX).find(|choice| seeds::link_type(*choice) == packet.meta.link);
        if let (Some(place), Some(link)) = (input.first_mut(), link) {
            *place = link;
        }
        input.extend(packet.data);
        all.push(input);
    }
}
