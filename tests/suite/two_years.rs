//! Two years of history, written by requests and spread over time: read at random moments, and restored from.

use std::collections::BTreeMap;

use audit_seaorm::{AuditContext, AuditEntry, AuditTrail, RestoreError};
use audit_tests::TestDb;
use chrono::{TimeDelta, Utc};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, TransactionTrait,
    prelude::{DateTimeUtc, Uuid},
};

use crate::{
    property::dice::Dice,
    support::{create, entries, sql, store_entries},
};

audit_tests::tests! {
    records_and_tables_are_read_at_random_moments,
    requests_are_undone_and_the_trail_stays_true,
}

mod team {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "team")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many)]
        pub players: HasMany<super::player::Entity>,
    }
}

mod player {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "player")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub team_id: i32,
        pub score: i32,
        pub note: Option<String>,
        #[sea_orm(belongs_to, from = "team_id", to = "id")]
        pub team: HasOne<super::team::Entity>,
    }
}

const TEAMS: i32 = 20;
const PLAYERS: i32 = 180;
const REQUESTS: usize = 400;
const SEED: u64 = 20_261_125;

/// What the tables hold, as the generator keeps it.
#[derive(Clone, Default)]
struct World {
    teams: BTreeMap<i32, team::Model>,
    players: BTreeMap<i32, player::Model>,
}

/// One record after one write.
enum Kept {
    Team(i32, Option<team::Model>),
    Player(i32, Option<player::Model>),
}

struct History {
    /// For each entry, in the order of the trail.
    kept: Vec<Kept>,
    times: Vec<DateTimeUtc>,
    /// Ahead of the last request.
    before_last: World,
}

/// Writes to the tables and keeps what they hold.
struct Generator<'a> {
    t: &'a TestDb,
    dice: Dice,
    world: World,
    kept: Vec<Kept>,
    step: i32,
}

impl Generator<'_> {
    async fn write(&mut self) {
        self.step += 1;
        let id = self.dice.number(PLAYERS);
        match (self.dice.below(10), self.world.players.contains_key(&id)) {
            (0, _) => self.write_team().await,
            (1, _) => self.raise_many().await,
            (2, true) => self.remove(id).await,
            (_, true) => self.change(id).await,
            (_, false) => self.add(id).await,
        }
    }

    async fn add(&mut self, id: i32) {
        let Some(team_id) = self.dice.take(self.world.teams.keys().copied().collect()) else {
            return self.write_team().await;
        };
        let player = player::Model { id, team_id, score: self.step, note: None };
        player.clone().into_active_model().insert(&self.t.db).await.unwrap();
        self.keep_player(id, Some(player));
    }

    async fn change(&mut self, id: i32) {
        let mut player = self.world.players[&id].clone();
        let mut row = player.clone().into_active_model();
        player.score = self.step;
        row.score = Set(self.step);
        if self.dice.chance(30) {
            player.note = Some(format!("note {}", self.step));
            row.note = Set(player.note.clone());
        }
        row.update(&self.t.db).await.unwrap();
        self.keep_player(id, Some(player));
    }

    async fn remove(&mut self, id: i32) {
        self.world.players[&id].clone().delete(&self.t.db).await.unwrap();
        self.keep_player(id, None);
    }

    /// By one statement, and one entry each.
    async fn raise_many(&mut self) {
        let below = self.dice.number(PLAYERS / 8);
        let raised = player::Entity::audited()
            .update_many()
            .col_expr(player::Column::Score, (self.step).into())
            .filter(player::Column::Id.lt(below));
        raised.exec(&self.t.db).await.unwrap();
        let players: Vec<_> = self.world.players.range(..below).map(|(_, it)| it.clone()).collect();
        for player in players {
            self.keep_player(player.id, Some(player::Model { score: self.step, ..player }));
        }
    }

    /// Makes a team, renames it, or deletes it with its players.
    async fn write_team(&mut self) {
        let id = self.dice.number(TEAMS);
        let name = format!("team {}", self.step);
        match self.world.teams.get(&id) {
            None => {
                let team = team::Model { id, name };
                team.clone().into_active_model().insert(&self.t.db).await.unwrap();
                self.keep_team(id, Some(team));
            }
            Some(_) if self.dice.chance(80) => {
                let row = team::ActiveModel { id: Set(id), name: Set(name.clone()) };
                row.update(&self.t.db).await.unwrap();
                self.keep_team(id, Some(team::Model { id, name }));
            }
            Some(team) => {
                let team = team.clone();
                let players = self.world.players.values().filter(|player| player.team_id == id);
                for player in players.map(|player| player.id).collect::<Vec<_>>() {
                    self.remove(player).await;
                }
                team.delete(&self.t.db).await.unwrap();
                self.keep_team(id, None);
            }
        }
    }

    fn keep_team(&mut self, id: i32, team: Option<team::Model>) {
        match team.clone() {
            Some(team) => self.world.teams.insert(id, team),
            None => self.world.teams.remove(&id),
        };
        self.kept.push(Kept::Team(id, team));
    }

    fn keep_player(&mut self, id: i32, player: Option<player::Model>) {
        match player.clone() {
            Some(player) => self.world.players.insert(id, player),
            None => self.world.players.remove(&id),
        };
        self.kept.push(Kept::Player(id, player));
    }
}

async fn history(t: &TestDb) -> History {
    create!(t, team::Entity, player::Entity);
    let (dice, world, kept) = (Dice::new(SEED), World::default(), Vec::new());
    let mut generator = Generator { t, dice, world, kept, step: 0 };
    let mut before_last = World::default();
    for number in 0..REQUESTS {
        before_last = generator.world.clone();
        let request = AuditContext::new().request_id(format!("req-{number}"));
        let writes = 1 + generator.dice.below(5);
        request
            .scope(async {
                for _ in 0..writes {
                    generator.write().await;
                }
            })
            .await;
    }
    let mut dice = generator.dice;
    let times = spread(t, &mut dice, &generator.kept).await;
    History { kept: generator.kept, times, before_last }
}

/// Gives the entries other times, of two years up to yesterday, in their order.
async fn spread(t: &TestDb, dice: &mut Dice, kept: &[Kept]) -> Vec<DateTimeUtc> {
    let mut trail = entries(&t.db).await;
    assert_eq!(trail.len(), kept.len(), "one entry for each change");
    let years = TimeDelta::days(730).num_microseconds().unwrap();
    let begin = (Utc::now() - TimeDelta::days(731)).timestamp_micros();
    let mut times: Vec<_> = (0..trail.len())
        .map(|_| begin + i64::try_from(dice.next() % u64::try_from(years).unwrap()).unwrap())
        .collect();
    times.sort_unstable();
    times.dedup();
    assert_eq!(times.len(), trail.len(), "another seed gives other times");
    // The database writes the rows of one statement in an order of its own.
    for written in trail.chunk_by_mut(|one, next| one.transaction_id == next.transaction_id) {
        written.sort_by_key(|entry| entry.record_id.parse::<i32>().unwrap());
    }
    for (entry, micros) in trail.iter_mut().zip(times) {
        stamp(entry, micros, dice.next());
    }
    sql(&t.db, "DELETE FROM audit_trail").await;
    let txn = t.db.begin().await.unwrap();
    store_entries(&txn, trail.iter().cloned()).await;
    txn.commit().await.unwrap();
    trail.iter().map(|entry| entry.timestamp).collect()
}

/// An id of version 7 tells the same time.
fn stamp(entry: &mut AuditEntry, micros: i64, chance: u64) {
    let (millis, rest) = (u128::try_from(micros / 1000).unwrap(), micros % 1000);
    let fraction = u128::try_from(rest * 4096 / 1000).unwrap();
    let tail = u128::from(chance >> 2);
    entry.id = Uuid::from_u128(millis << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | tail);
    entry.timestamp = DateTimeUtc::from_timestamp_micros(micros).unwrap();
}

impl History {
    /// Any moment from a little before the first entry to a little after the last one.
    fn moment(&self, dice: &mut Dice) -> DateTimeUtc {
        let (first, last) = (self.times[0], self.times[self.times.len() - 1]);
        let span = (last - first).num_microseconds().unwrap() + 2_000_000;
        // Half of them at the very time of an entry.
        if dice.chance(50) {
            return self.times[dice.below(self.times.len())];
        }
        let offset = i64::try_from(dice.next() % u64::try_from(span).unwrap()).unwrap();
        first - TimeDelta::seconds(1) + TimeDelta::microseconds(offset)
    }

    fn at(&self, when: DateTimeUtc) -> World {
        let mut world = World::default();
        for (kept, _) in self.kept.iter().zip(&self.times).take_while(|(_, time)| **time <= when) {
            match kept {
                Kept::Team(id, Some(team)) => drop(world.teams.insert(*id, team.clone())),
                Kept::Team(id, None) => drop(world.teams.remove(id)),
                Kept::Player(id, Some(player)) => drop(world.players.insert(*id, player.clone())),
                Kept::Player(id, None) => drop(world.players.remove(id)),
            }
        }
        world
    }
}

async fn records_and_tables_are_read_at_random_moments(t: TestDb) {
    let history = history(&t).await;
    read_a_thousand_records(&t, &history).await;
    read_tables(&t, &history).await;
}

async fn read_a_thousand_records(t: &TestDb, history: &History) {
    let mut dice = Dice::new(1);
    let mut alive = 0;
    for _ in 0..1000 {
        let when = history.moment(&mut dice);
        let expected = history.at(when);
        if dice.chance(15) {
            let id = dice.number(TEAMS);
            let found = AuditTrail::as_of(&t.db, team::Entity, id, when).await.unwrap();
            assert_eq!(found.as_ref(), expected.teams.get(&id), "team {id} at {when}");
        } else {
            let id = dice.number(PLAYERS);
            let found = AuditTrail::as_of(&t.db, player::Entity, id, when).await.unwrap();
            assert_eq!(found.as_ref(), expected.players.get(&id), "player {id} at {when}");
            alive += i32::from(found.is_some());
        }
    }
    assert!((200..800).contains(&alive), "{alive} of them were there");
}

async fn read_tables(t: &TestDb, history: &History) {
    let mut dice = Dice::new(2);
    for _ in 0..20 {
        let when = history.moment(&mut dice);
        let states = AuditTrail::table_as_of(player::Entity, when).all(&t.db).await.unwrap();
        let found = states.iter().map(|(_, state)| state.model().unwrap());
        let found: BTreeMap<_, _> = found.map(|player| (player.id, player)).collect();
        assert_eq!(found, history.at(when).players, "{when}");
    }
}

async fn verify(t: &TestDb) {
    for report in [
        AuditTrail::verify(&t.db, team::Entity).await.unwrap(),
        AuditTrail::verify(&t.db, player::Entity).await.unwrap(),
    ] {
        assert!(report.is_clean(), "{report}");
    }
}

async fn now(t: &TestDb) -> World {
    let teams = team::Entity::find().all(&t.db).await.unwrap();
    let players = player::Entity::find().all(&t.db).await.unwrap();
    World {
        teams: teams.into_iter().map(|team| (team.id, team)).collect(),
        players: players.into_iter().map(|player| (player.id, player)).collect(),
    }
}

async fn requests_are_undone_and_the_trail_stays_true(t: TestDb) {
    let history = history(&t).await;
    verify(&t).await;
    undo_the_last_request(&t, &history).await;
    verify(&t).await;
    undo_random_requests(&t).await;
    verify(&t).await;
}

/// To the letter: nobody has changed anything since.
async fn undo_the_last_request(t: &TestDb, history: &History) {
    let restore = AuditTrail::restore_request(format!("req-{}", REQUESTS - 1));
    let plan = restore.exec(&t.db).await.unwrap();
    assert!(!plan.is_empty());
    let world = now(t).await;
    assert_eq!(world.teams, history.before_last.teams);
    assert_eq!(world.players, history.before_last.players);
}

/// Whatever others did since: what foreign keys forbid leaves everything as it was.
async fn undo_random_requests(t: &TestDb) {
    let mut dice = Dice::new(3);
    let (mut restored, mut conflicts, mut refused) = (0, 0, 0);
    for _ in 0..60 {
        let restore = AuditTrail::restore_request(format!("req-{}", dice.below(REQUESTS)));
        let before = now(t).await;
        let mut outcome = restore.exec(&t.db).await;
        if let Err(RestoreError::Conflict(_)) = outcome {
            conflicts += 1;
            outcome = restore.overwrite(true).exec(&t.db).await;
        }
        match outcome {
            Ok(_) => restored += 1,
            Err(RestoreError::Db(_)) => {
                refused += 1;
                let after = now(t).await;
                assert_eq!((after.teams, after.players), (before.teams, before.players));
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert!(restored > 20 && conflicts > 10, "{restored} {conflicts} {refused}");
}
