//! `audit-benches write`: what writes cost.

mod case;
mod check;
mod contender;
mod floor;
mod line;
mod orm;
mod rounds;

pub(crate) use case::Write;

use crate::{Result, args::Options, database::Scratch, place::Place, report};
use case::Case;
use line::Line;

pub(crate) async fn run(options: &Options) -> Result<()> {
    let place = Place::find(options.backend, options.url.as_deref())?;
    eprintln!("{}", report::header(&place, options.rounds));
    let scratch = Scratch::create(&place).await?;
    let outcome = measure(&scratch, options).await;
    let removed = scratch.remove().await;
    let lines = outcome?;
    eprintln!("{}", report::table(Line::HEADER, lines.iter().map(Line::cells)));
    let bars: Vec<_> = lines.iter().map(Line::bars).collect();
    let title = format!("Writes on {}: times of plain SeaORM", options.backend);
    report::plot(&bars, &title, &options.svg("write"))?;
    removed
}

async fn measure(scratch: &Scratch<'_>, options: &Options) -> Result<Vec<Line>> {
    scratch.create_tables().await?;
    let mut lines = Vec::new();
    for case in Case::named(&options.case) {
        let line = rounds::measure(scratch, case, options.rounds).await?;
        println!("{}", serde_json::to_string(&line)?);
        lines.push(line);
    }
    Ok(lines)
}
