//! Every table that a text writes, by the parser's account.

use sqlparser::{
    ast::{
        AlterTableOperation, AssignmentTarget, CascadeOption, CopySource, Delete, FromTable,
        Insert, ObjectName, ObjectNamePart, ObjectType, Query, SetExpr, SqliteOnConflict,
        Statement, TableFactor, TableObject, TableWithJoins, Truncate, Update, UtilityOption,
    },
    dialect::Dialect,
    parser::{Parser, ParserError},
    tokenizer::Token,
};

use super::statement::Kind;
use crate::registry::TableName;

/// What a text does.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    pub(super) writes: Vec<(Kind, TableName)>,
    pub(super) opaque: Option<&'static str>,
    /// Something in it is of no kind that is known here.
    pub(super) unknown: bool,
}

/// The parser's own limit of depth holds, so that no text can overflow the stack.
pub(super) fn parse(dialect: &dyn Dialect, tokens: Vec<Token>) -> Result<Parsed, ParserError> {
    let statements = Parser::new(dialect).with_tokens(tokens).parse_statements()?;
    let mut parsed = Parsed::default();
    for statement in &statements {
        parsed.read(statement);
    }
    Ok(parsed)
}

impl Parsed {
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
            Statement::Prepare { statement, .. } => self.read(statement),
            Statement::Explain { analyze, options, statement, .. } => {
                if *analyze || options.iter().flatten().any(analyzes) {
                    self.read(statement);
                }
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
        let set = |relation: &&Relation<'_>| {
            let names = qualifiers.as_ref();
            names.is_none_or(|names| names.iter().any(|name| relation.is_called(name)))
        };
        let written: Vec<_> = relations.iter().filter(set).map(|it| it.name).collect();
        let all: Vec<_> = relations.iter().map(|it| it.name).collect();
        for name in if written.is_empty() { all } else { written } {
            self.name(Kind::Update, name);
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
            let alias = table_name(target).map(|name| name.table);
            let aliased = relations.iter().filter(|it| it.is_alias(alias.as_deref()));
            for relation in aliased {
                self.name(Kind::Delete, relation.name);
            }
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
        match table_name(name) {
            Some(name) => self.writes.push((kind, name)),
            None => self.unknown = true,
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
    fn is_alias(&self, name: Option<&str>) -> bool {
        matches!((self.alias, name), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
    }

    fn is_called(&self, name: &str) -> bool {
        let table = || table_name(self.name).map(|it| it.table);
        match self.alias {
            Some(alias) => alias.eq_ignore_ascii_case(name),
            None => table().is_some_and(|table| table.eq_ignore_ascii_case(name)),
        }
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

fn analyzes(option: &UtilityOption) -> bool {
    option.name.value.eq_ignore_ascii_case("ANALYZE")
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
