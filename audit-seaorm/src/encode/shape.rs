use sea_orm::{
    ColumnTrait, EntityTrait, ModelTrait,
    sea_query::{ArrayType, ColumnType},
};

/// What a column holds, as far as reading it needs to know.
#[derive(Debug)]
pub(crate) enum Shape {
    /// One value.
    One(ArrayType),
    /// An array of such values.
    Array(ArrayType),
    /// A vector of `pgvector`, which has no [`ArrayType`].
    Vector,
}

impl Shape {
    pub(crate) fn of<E: EntityTrait>(column: E::Column) -> Self {
        match column.def().get_column_type() {
            // Asking a vector for its type panics, so it must come first.
            ColumnType::Vector(_) => Self::Vector,
            ColumnType::Array(_) => Self::Array(E::Model::get_value_type(column)),
            ColumnType::Custom(name) => Self::of_custom::<E>(column, name.inner().as_ref()),
            _ => Self::One(E::Model::get_value_type(column)),
        }
    }

    /// A column type in the user's own words says nothing about the field, so the field is asked.
    fn of_custom<E: EntityTrait>(column: E::Column, name: &str) -> Self {
        if holds_vector::<E>(column, name) {
            return Self::Vector;
        }
        let element = E::Model::get_value_type(column);
        if holds_array::<E>(column, &element) { Self::Array(element) } else { Self::One(element) }
    }
}

#[cfg(feature = "postgres-vector")]
fn holds_vector<E: EntityTrait>(column: E::Column, _: &str) -> bool {
    accepts::<E>(column, sea_orm::Value::Vector(Some(Vec::new().into())))
}

#[cfg(not(feature = "postgres-vector"))]
fn holds_vector<E: EntityTrait>(_: E::Column, name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("vector")
}

#[cfg(feature = "postgres-array")]
fn holds_array<E: EntityTrait>(column: E::Column, element: &ArrayType) -> bool {
    accepts::<E>(column, sea_orm::Value::Array(element.clone(), Some(Box::default())))
}

#[cfg(not(feature = "postgres-array"))]
fn holds_array<E: EntityTrait>(_: E::Column, _: &ArrayType) -> bool {
    false
}

#[cfg(any(feature = "postgres-array", feature = "postgres-vector"))]
fn accepts<E: EntityTrait>(column: E::Column, value: sea_orm::Value) -> bool {
    use sea_orm::ActiveModelTrait;

    <E::ActiveModel as ActiveModelTrait>::default().try_set(column, value).is_ok()
}
