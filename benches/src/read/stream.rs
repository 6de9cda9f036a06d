//! All entries one by one: how long that takes, and how much memory.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    pin::pin,
    time::Instant,
};

use audit_seaorm::{AuditEntry, AuditTrail};
use futures_util::TryStreamExt;

use super::{floor, line::Line, memory::Watch, trail::Trail};
use crate::{Result, samples::median};

/// A trail takes its time.
const ROUNDS: usize = 3;

pub(super) fn name(trail: &Trail) -> String {
    format!("stream_{}", trail.size)
}

pub(super) async fn check(trail: &Trail) -> Result<()> {
    let mut digests = [DefaultHasher::new(), DefaultHasher::new()];
    floor::stream(trail, |entry| format!("{entry:?}").hash(&mut digests[0])).await?;
    library(trail, |entry| format!("{entry:?}").hash(&mut digests[1])).await?;
    let [floor, library] = digests.map(|digest| digest.finish());
    if floor == library { Ok(()) } else { Err("the streams differ".into()) }
}

/// The memory is that of the first time: later ones find in the process what it has held before.
pub(super) async fn measure(trail: &Trail) -> Result<Line> {
    let (mut times, mut peak): ([Vec<f64>; 2], _) = (Default::default(), None);
    for round in 0..ROUNDS {
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
            if round == 0 && who == 1 {
                peak = watch.and_then(|watch| watch.peak());
            }
        }
    }
    let rows = usize::try_from(trail.size)?;
    Ok(Line::new(&name(trail), trail, rows, times.map(median)).with_peak(peak))
}

async fn library(trail: &Trail, mut each: impl FnMut(AuditEntry)) -> Result<()> {
    let mut entries = pin!(AuditTrail::query().stream(&trail.db));
    while let Some(entry) = entries.try_next().await? {
        each(entry);
    }
    Ok(())
}
