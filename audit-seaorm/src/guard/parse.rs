//! Every table that a text writes, by the parser's account.

use std::{collections::HashSet, ops::Range};

use sea_orm::DbBackend;
use sqlparser::{
    ast::{
        AlterTableOperation, AssignmentTarget, CascadeOption, CopySource, Delete, FromTable,
        Insert, ObjectName, ObjectNamePart, ObjectType, Query, SetExpr, SqliteOnConflict,
        Statement, TableFactor, TableObject, TableWithJoins, Truncate, Update, UtilityOption,
    },
    parser::{Parser, ParserError},
    tokenizer::{Location, Token, TokenWithSpan},
};

use super::{
    live::Live,
    statement::Kind,
    targets::{Candidate, candidates},
    tokens::dialect,
};
use crate::registry::TableName;

/// What a text does.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) writes: Vec<(Kind, TableName)>,
    pub(super) opaque: Option<&'static str>,
    /// Something in it is of no kind that is known here.
    pub(super) unknown: bool,
    /// The names at the place of a written table that the parser does not account for.
    pub(super) doubtful: Vec<TableName>,
    /// Where the names stand that it accounts for.
    accounted: HashSet<Location>,
}

/// The parser's own limit of depth holds, so that no text can overflow the stack.
pub(super) fn parse(
    backend: DbBackend,
    tokens: Vec<TokenWithSpan>,
    live: &Live,
) -> Result<Parsed, ParserError> {
    let mut candidates = candidates(backend, &tokens, &live.verbs);
    let mut parser = Parser::new(dialect(backend)).with_tokens_with_locations(tokens);
    let mut parsed = Parsed::default();
    while let Some((statement, place)) = next(&mut parser)? {
        if runs_now(&statement) {
            parsed.read(&statement);
        } else {
            candidates.retain(|candidate| !place.contains(&candidate.at));
        }
    }
    parsed.doubt(candidates);
    Ok(parsed)
}

/// A statement, and the numbers of its tokens.
fn next(parser: &mut Parser<'_>) -> Result<Option<(Statement, Range<usize>)>, ParserError> {
    let mut is_separate = parser.index() == 0;
    while parser.consume_token(&Token::SemiColon) {
        is_separate = true;
    }
    if parser.peek_token_ref().token == Token::EOF {
        return Ok(None);
    }
    if !is_separate {
        return parser.expected_ref("end of statement", parser.peek_token_ref());
    }
    let start = parser.index();
    let statement = parser.parse_statement()?;
    Ok(Some((statement, start..parser.index())))
}

impl Parsed {
    fn doubt(&mut self, candidates: Vec<Candidate>) {
        let doubtful = candidates.into_iter().filter(|it| !self.accounted.contains(&it.location));
        self.doubtful = doubtful.map(|candidate| candidate.name).collect();
    }

    fn read(&mut self, statement: &Statement) {
        match statement {
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.factor(Kind::Merge, &merge.table),
            Statement::Truncate(truncate) => self.truncate(truncate),
            Statement::Query(query) | Statement::Copy { source: CopySource::Query(query), .. } => {
                self.query(query);
            }
            Statement::Copy { source: CopySource::Table { table_name, .. }, to: false, .. } => {
                self.name(Kind::Copy, table_name);
            }
            Statement::LoadData { table_name, .. } => self.name(Kind::Load, table_name),
            Statement::Drop { object_type: ObjectType::Table, names, .. } => {
                for name in names {
                    self.name(Kind::Drop, name);
                }
            }
            Statement::Drop { object_type: ObjectType::Schema | ObjectType::Database, .. } => {
                self.opaque = Some("DROP SCHEMA");
            }
            Statement::AlterTable(alter) if alter.operations.iter().any(moves_rows) => {
                self.name(Kind::Alter, &alter.name);
            }
            Statement::CreateTable(create) => {
                if create.or_replace {
                    self.name(Kind::Drop, &create.name);
                }
                create.query.iter().for_each(|it| self.query(it));
            }
            Statement::Prepare { statement, .. } | Statement::Explain { statement, .. } => {
                self.read(statement);
            }
            Statement::Call(_) => self.opaque = Some("CALL"),
            Statement::Execute { .. } => self.opaque = Some("EXECUTE"),
            other => self.unknown |= !writes_nothing(other),
        }
    }

    /// Data is modified in the query itself, or in a common table expression of it: nowhere deeper, says
    /// the manual of `PostgreSQL`, the one database that has them.
    fn query(&mut self, query: &Query) {
        let mut queries = vec![query];
        let mut bodies = Vec::new();
        while let Some(query) = queries.pop() {
            let ctes = query.with.iter().flat_map(|with| &with.cte_tables);
            queries.extend(ctes.map(|cte| &*cte.query));
            bodies.push(&*query.body);
            while let Some(body) = bodies.pop() {
                match body {
                    SetExpr::Query(query) => queries.push(query),
                    SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                    SetExpr::Insert(statement)
                    | SetExpr::Update(statement)
                    | SetExpr::Delete(statement)
                    | SetExpr::Merge(statement) => self.read(statement),
                    SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => {}
                }
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        insert.source.iter().for_each(|query| self.query(query));
        let replaces = insert.replace_into || insert.or == Some(SqliteOnConflict::Replace);
        let kind = if replaces { Kind::Replace } else { Kind::Insert };
        match &insert.table {
            TableObject::TableName(name) => self.name(kind, name),
            TableObject::TableFunction(_) | TableObject::TableQuery(_) => self.unknown = true,
        }
    }

    /// `MySQL` updates any of the tables it joins: those whose columns it sets, where all of these are
    /// qualified.
    fn update(&mut self, update: &Update) {
        if update.table.joins.is_empty() {
            return self.factor(Kind::Update, &update.table.relation);
        }
        let relations = self.relations([&update.table]);
        let qualifiers: Option<Vec<_>> = update
            .assignments
            .iter()
            .map(|assignment| match &assignment.target {
                AssignmentTarget::ColumnName(name) => qualifier(name),
                AssignmentTarget::Tuple(_) => None,
            })
            .collect();
        let is_set = |relation: &Relation<'_>| {
            let names = qualifiers.as_ref();
            names.is_none_or(|names| names.iter().any(|name| relation.is_called(name)))
        };
        let names = qualifiers.iter().flatten();
        self.unknown |=
            names.clone().any(|name| !relations.iter().any(|relation| relation.is_called(name)));
        for relation in &relations {
            if is_set(relation) {
                self.name(Kind::Update, relation.name);
            } else {
                self.reads(relation.name);
            }
        }
    }

    /// On `MySQL` what is deleted from may be named by the alias of a table that follows.
    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let using = delete.using.iter().flatten();
        if delete.tables.is_empty() && delete.using.is_none() {
            return from.iter().for_each(|table| self.factor(Kind::Delete, &table.relation));
        }
        let relations = self.relations(from.iter().chain(using));
        let targets: Vec<_> = if delete.tables.is_empty() {
            self.relations(from).iter().map(|it| it.name).collect()
        } else {
            delete.tables.iter().collect()
        };
        for target in targets {
            self.name(Kind::Delete, target);
            let table = table_name(target).map(|name| name.table).unwrap_or_default();
            // A name that is none of a table is a word of another meaning.
            self.unknown |= !relations.iter().any(|it| it.is_alias(&table) || it.is_table(&table));
            let aliased = relations.iter().filter(|it| it.is_alias(&table));
            for relation in aliased {
                self.name(Kind::Delete, relation.name);
            }
        }
        for relation in relations {
            self.reads(relation.name);
        }
    }

    fn truncate(&mut self, truncate: &Truncate) {
        if truncate.cascade == Some(CascadeOption::Cascade) {
            self.opaque = Some("TRUNCATE … CASCADE");
        }
        truncate.table_names.iter().for_each(|it| self.name(Kind::Truncate, &it.name));
    }

    fn factor(&mut self, kind: Kind, factor: &TableFactor) {
        match factor {
            TableFactor::Table { name, .. } => self.name(kind, name),
            _ => self.unknown = true,
        }
    }

    fn name(&mut self, kind: Kind, name: &ObjectName) {
        self.reads(name);
        match table_name(name) {
            Some(name) => self.writes.push((kind, name)),
            None => self.unknown = true,
        }
    }

    /// Accounts for a name.
    fn reads(&mut self, name: &ObjectName) {
        if let Some(ObjectNamePart::Identifier(last)) = name.0.last() {
            self.accounted.insert(last.span.start);
        }
    }

    fn relations<'a>(
        &mut self,
        tables: impl IntoIterator<Item = &'a TableWithJoins>,
    ) -> Vec<Relation<'a>> {
        let mut found = Vec::new();
        for table in tables {
            let joined = table.joins.iter().map(|join| &join.relation);
            for factor in std::iter::once(&table.relation).chain(joined) {
                self.relation(factor, &mut found);
            }
        }
        found
    }

    fn relation<'a>(&mut self, factor: &'a TableFactor, found: &mut Vec<Relation<'a>>) {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                let alias = alias.as_ref().map(|it| it.name.value.as_str());
                found.push(Relation { name, alias });
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                found.extend(self.relations([table_with_joins.as_ref()]));
            }
            // What a query makes cannot be written.
            TableFactor::Derived { .. } => {}
            _ => self.unknown = true,
        }
    }
}

struct Relation<'a> {
    name: &'a ObjectName,
    alias: Option<&'a str>,
}

impl Relation<'_> {
    fn is_alias(&self, name: &str) -> bool {
        self.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    }

    fn is_table(&self, name: &str) -> bool {
        table_name(self.name).is_some_and(|it| it.table.eq_ignore_ascii_case(name))
    }

    fn is_called(&self, name: &str) -> bool {
        if self.alias.is_some() { self.is_alias(name) } else { self.is_table(name) }
    }
}

fn table_name(name: &ObjectName) -> Option<TableName> {
    let mut parts = name.0.iter().rev().map(|part| match part {
        ObjectNamePart::Identifier(ident) => Some(ident.value.clone()),
        ObjectNamePart::Function(_) => None,
    });
    let table = parts.next()??;
    let schema = match parts.next() {
        Some(part) => Some(part?),
        None => None,
    };
    Some(TableName { schema, table })
}

/// The table that a column is said to be of.
fn qualifier(column: &ObjectName) -> Option<String> {
    table_name(column)?.schema
}

/// Whether the database does more than to explain, to permit or to define what is in a statement.
fn runs_now(statement: &Statement) -> bool {
    use Statement as S;
    match statement {
        S::Explain { analyze, options, .. } => *analyze || options.iter().flatten().any(analyzes),
        S::Copy { source: CopySource::Table { .. }, to, .. } => !to,
        S::Grant(_)
        | S::Revoke(_)
        | S::AlterDefaultPrivileges(_)
        | S::CreateFunction(_)
        | S::CreateProcedure { .. }
        | S::CreateTrigger(_) => false,
        _ => true,
    }
}

/// Any option that is not known here might.
fn analyzes(option: &UtilityOption) -> bool {
    const OTHERS: [&str; 10] = [
        "BUFFERS",
        "COSTS",
        "FORMAT",
        "GENERIC_PLAN",
        "MEMORY",
        "SERIALIZE",
        "SETTINGS",
        "SUMMARY",
        "VERBOSE",
        "WAL",
    ];
    !OTHERS.iter().any(|other| other.eq_ignore_ascii_case(&option.name.value))
}

fn moves_rows(operation: &AlterTableOperation) -> bool {
    matches!(
        operation,
        AlterTableOperation::AttachPartition { .. }
            | AlterTableOperation::AttachPartitionOf { .. }
            | AlterTableOperation::DetachPartition { .. }
            | AlterTableOperation::DetachPartitionOf { .. }
            | AlterTableOperation::DropPartitions { .. }
    )
}

/// What is known to change no row.
fn writes_nothing(statement: &Statement) -> bool {
    use Statement as S;
    matches!(
        statement,
        S::ExplainTable { .. }
            | S::Deallocate { .. }
            | S::Declare { .. }
            | S::Fetch { .. }
            | S::Open(_)
            | S::Close { .. }
            | S::Copy { .. }
            | S::Set(_)
            | S::Reset(_)
            | S::Pragma { .. }
            | S::Use(_)
            | S::Commit { .. }
            | S::Rollback { .. }
            | S::Savepoint { .. }
            | S::ReleaseSavepoint { .. }
            | S::Lock(_)
            | S::LockTables { .. }
            | S::UnlockTables
            | S::Analyze(_)
            | S::Vacuum(_)
            | S::OptimizeTable { .. }
            | S::Comment { .. }
            | S::Grant(_)
            | S::GrantRole(_)
            | S::Revoke(_)
            | S::RevokeRole(_)
            | S::AlterDefaultPrivileges(_)
            | S::LISTEN { .. }
            | S::UNLISTEN { .. }
            | S::NOTIFY { .. }
            | S::ShowCreate { .. }
            | S::ShowVariable { .. }
            | S::ShowVariables { .. }
    ) || begins(statement)
        || defines(statement)
}

fn begins(statement: &Statement) -> bool {
    let Statement::StartTransaction { statements, exception, .. } = statement else {
        return false;
    };
    statements.is_empty() && exception.is_none()
}

/// What it defines runs later, if ever, and inside of the database.
fn defines(statement: &Statement) -> bool {
    use Statement as S;
    matches!(
        statement,
        S::CreateView(_)
            | S::CreateVirtualTable { .. }
            | S::CreateIndex(_)
            | S::CreateRole(_)
            | S::CreatePolicy(_)
            | S::CreateSchema { .. }
            | S::CreateDatabase { .. }
            | S::CreateExtension(_)
            | S::CreateSequence { .. }
            | S::CreateDomain(_)
            | S::CreateType { .. }
            | S::CreateUser(_)
            | S::CreateFunction(_)
            | S::CreateProcedure { .. }
            | S::CreateTrigger(_)
            | S::CreateRule(_)
            | S::AlterTable(_)
            | S::AlterIndex { .. }
            | S::AlterView(_)
            | S::AlterType(_)
            | S::AlterSchema(_)
            | S::AlterRole { .. }
            | S::AlterPolicy(_)
            | S::AlterUser(_)
            | S::RenameTable(_)
            | S::Drop { .. }
            | S::DropFunction(_)
            | S::DropProcedure { .. }
            | S::DropTrigger(_)
            | S::DropPolicy(_)
            | S::DropRule(_)
            | S::DropDomain(_)
            | S::DropExtension(_)
    )
}
