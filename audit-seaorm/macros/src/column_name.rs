//! The name of a column in the database, by the very rules of sea-orm-macros (`derives/entity_model.rs`).

use heck::{
    ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToTitleCase, ToUpperCamelCase,
};
use syn::Ident;

/// The name of a field's column where the field does not say it; `case` is the `rename_all` of the struct.
pub(crate) fn of(field: &Ident, column: &Ident, case: Option<&str>) -> String {
    let field = field.to_string();
    let field = field.trim_start_matches("r#");
    if let Some(name) = case.and_then(|case| in_case(field, case)) {
        return name;
    }
    if field == field.to_upper_camel_case().to_snake_case() {
        column.to_string().to_snake_case()
    } else {
        field.to_snake_case()
    }
}

/// `None` if there is no such case, which SeaORM says itself.
fn in_case(field: &str, case: &str) -> Option<String> {
    Some(match case {
        "camel_case" | "PascalCase" => field.to_upper_camel_case(),
        "camelCase" | "mixed_case" => field.to_lower_camel_case(),
        "snake_case" | "snek_case" => field.to_snake_case(),
        "kebab_case" | "kebab-case" => field.to_kebab_case(),
        "SCREAMING-KEBAB-CASE" => field.to_kebab_case().to_uppercase(),
        "shouty_snake_case" | "shouty_snek_case" | "SCREAMING_SNAKE_CASE" => {
            field.to_shouty_snake_case()
        }
        "title_case" => field.to_title_case(),
        "lowercase" => field.to_lowercase(),
        "UPPERCASE" => field.to_uppercase(),
        _ => return None,
    })
}
