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
    /// The type of the column says nothing certain about the field, which may be a `Vec` in a JSON column or in one of a
    /// type in the user's own words: so the field is asked.
    pub(crate) fn of<E: EntityTrait>(column: E::Column) -> Self {
        let def = column.def();
        // Asking a vector for its type panics, so it must come first.
        if holds_vector::<E>(column, def.get_column_type()) {
            return Self::Vector;
        }
        let element = E::Model::get_value_type(column);
        let is_array = matches!(def.get_column_type(), ColumnType::Array(_));
        if is_array || holds_array::<E>(column, &element) {
            Self::Array(element)
        } else {
            Self::One(element)
        }
    }
}

#[cfg(feature = "postgres-vector")]
fn holds_vector<E: EntityTrait>(column: E::Column, ty: &ColumnType) -> bool {
    matches!(ty, ColumnType::Vector(_))
        || accepts::<E>(column, sea_orm::Value::Vector(Some(Vec::new().into())))
}

#[cfg(not(feature = "postgres-vector"))]
fn holds_vector<E: EntityTrait>(_: E::Column, ty: &ColumnType) -> bool {
    match ty {
        ColumnType::Vector(_) => true,
        ColumnType::Custom(name) => name.inner().to_ascii_lowercase().starts_with("vector"),
        _ => false,
    }
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
