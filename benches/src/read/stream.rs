//! All entries one by one: how long that takes, and how much memory.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    pin::pin,
    time::Instant,
};

use audit_seaorm::{AuditEntry, AuditTrail};
use futures_util::TryStreamExt;

use super::{
    floor,
    line::Line,
    memory::{Peaks, Watch},
    trail::Trail,
};
use crate::{Result, samples::median};

/// A trail takes its time.
const ROUNDS: usize = 3;

pub(super) fn name(trail: &Trail) -> String {
    format!("stream_{}", trail.size)
}

/// By what is made of the entries, which are not kept: what they took would be there for the measuring.
pub(super) async fn check(trail: &Trail) -> Result<()> {
    let mut digests = [DefaultHasher::new(), DefaultHasher::new()];
    floor::stream(trail, |entry| format!("{entry:?}").hash(&mut digests[0])).await?;
    library(trail, |entry| format!("{entry:?}").hash(&mut digests[1])).await?;
    let [floor, library] = digests.map(|digest| digest.finish());
    if floor == library { Ok(()) } else { Err("the streams differ".into()) }
}

pub(super) async fn measure(trail: &Trail) -> Result<Line> {
    let mut times: [Vec<f64>; 2] = Default::default();
    let mut peaks = [Some(0.0_f64); 2];
    for _ in 0..ROUNDS {
        // The library first: what the floor has held would be there for it.
        for who in [1, 0] {
            let (watch, began) = (Watch::start(), Instant::now());
            let mut count = 0;
            match who {
                0 => floor::stream(trail, |_| count += 1).await?,
                _ => library(trail, |_| count += 1).await?,
            }
            if count != trail.size {
                return Err(format!("{}: {count} entries", name(trail)).into());
            }
            times[who].push(began.elapsed().as_secs_f64() * 1e3);
            let peak = watch.and_then(|watch| watch.peak());
            peaks[who] = peaks[who].zip(peak).map(|(one, other)| one.max(other));
        }
    }
    let line = Line::new(&name(trail), trail, usize::try_from(trail.size)?, times.map(median));
    let [floor, library] = peaks;
    let peaks = floor.zip(library).map(|(floor_peak_mb, peak_mb)| Peaks { floor_peak_mb, peak_mb });
    Ok(line.with(peaks))
}

async fn library(trail: &Trail, mut each: impl FnMut(AuditEntry)) -> Result<()> {
    let mut entries = pin!(AuditTrail::query().stream(&trail.db));
    while let Some(entry) = entries.try_next().await? {
        each(entry);
    }
    Ok(())
}
