//! `audit-benches read`: what reading the trail costs, and how that grows with the trail.

mod article;
mod case;
mod explain;
mod fill;
mod floor;
mod library;
mod line;
mod memory;
mod rounds;
mod stream;
mod trail;

use crate::{
    Result,
    args::Options,
    database::{self, Scratch},
    place::Place,
    report::{self, Group},
};
use case::Case;
use line::Line;
use trail::Trail;

/// The sizes of the trails.
const SIZES: [u64; 3] = [10_000, 100_000, 1_000_000];

pub(crate) async fn run(options: &Options) -> Result<()> {
    let place = Place::find(options.backend, options.url.as_deref())?;
    eprintln!("{}", report::header(&place, options.rounds));
    database::make_room(&place).await?;
    let mut scratches = Vec::new();
    let outcome = on_scratch(&place, options, &mut scratches).await;
    for scratch in scratches {
        scratch.remove().await?;
    }
    let lines = outcome?;
    if !options.explain {
        eprintln!("{}", report::table(Line::HEADER, lines.iter().map(Line::cells)));
        let title =
            format!("Reads on {}: times of the floor on the smallest trail", place.backend());
        report::plot(&bars(&lines), &title, &options.svg("read"))?;
    }
    Ok(())
}

/// All sizes at once, each in a database of its own: that is how they can be read in turn.
async fn on_scratch<'a>(
    place: &'a Place,
    options: &Options,
    scratches: &mut Vec<Scratch<'a>>,
) -> Result<Vec<Line>> {
    let sizes: Vec<_> = SIZES.into_iter().filter(|size| *size <= options.entries).collect();
    let mut trails = Vec::new();
    for size in sizes {
        scratches.push(Scratch::create(place).await?);
        let scratch = scratches.last().ok_or("just pushed")?;
        trails.push(Trail::create(scratch, size).await?);
    }
    let largest = trails.last().ok_or("--entries must be at least 10000")?;
    if options.explain {
        explain::explain(largest, &options.case).await?;
        return Ok(Vec::new());
    }
    measure(&trails, options).await
}

async fn measure(trails: &[Trail], options: &Options) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    // First of all, when the process has not held much yet.
    if let [smallest, .., largest] | [smallest @ largest] = trails
        && stream::name(largest).contains(&options.case)
    {
        let line = stream::measure(largest).await?;
        stream::check(smallest).await?;
        tell(&mut lines, line)?;
    }
    for case in Case::named(&options.case) {
        for line in rounds::measure(trails, case, options.rounds).await? {
            tell(&mut lines, line)?;
        }
    }
    Ok(lines)
}

fn tell(lines: &mut Vec<Line>, line: Line) -> Result<()> {
    println!("{}", serde_json::to_string(&line)?);
    lines.push(line);
    Ok(())
}

fn bars(lines: &[Line]) -> Vec<Group> {
    lines
        .iter()
        .map(|line| {
            let smallest = lines.iter().find(|other| other.case == line.case);
            line.bars(smallest.unwrap_or(line))
        })
        .collect()
}
