//! `db:query:result`: the rows of one query, in parts. In the room `query/<id>`, at the pace of its
//! reader.

use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::Name;

/// A part of a query's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct QueryResult {
    /// Which query.
    pub query_id: Name,
    /// The columns; in the first part, and absent from the later ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 1_664), dive)]
    pub fields: Vec<QueryField>,
    /// The rows of this part, each with a value for every column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 10_000))]
    pub rows: Vec<Vec<Value>>,
    /// How many rows there are so far, those of this part among them; of a statement that gives none,
    /// how many it changed.
    pub row_count: u64,
    /// Whether this is the last part.
    pub done: bool,
    /// Milliseconds that the database took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_time_ms: Option<u64>,
    /// Whether there are more rows than may be asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why it ended too soon; in the last part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub error: Option<QueryError>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct QueryField {
    /// What it is called.
    #[garde(length(bytes, max = 1_024))]
    pub name: String,
    /// The database's name of its type.
    #[garde(length(bytes, min = 1, max = 256))]
    pub data_type: String,
}

/// Why a query ended too soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct QueryError {
    /// The database's code, or `timeout`.
    #[garde(length(bytes, min = 1, max = 64))]
    pub code: String,
    /// The same in words for people.
    #[garde(length(bytes, max = 16_384))]
    pub message: String,
    /// Which character of the query it is about, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1))]
    pub position: Option<u32>,
}

impl Payload for QueryResult {
    const TYPE: &'static str = "db:query:result";
    const DELIVERY: Delivery = Delivery::FlowControlled;
    const RETENTION: Retention = Retention::UntilAcknowledged;

    fn key(&self) -> &str {
        self.query_id.as_str()
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)?;
        let columns = self.fields.len();
        let uneven = self.rows.iter().position(|row| columns > 0 && row.len() != columns);
        if let Some(row) = uneven {
            let rule = format!("rows[{row}]: must have a value for each of the {columns} fields");
            return Err(InvalidPayload::new::<Self>(rule));
        }
        if usize::try_from(self.row_count).is_ok_and(|count| count < self.rows.len()) {
            return Err(InvalidPayload::new::<Self>(
                "rowCount: is lower than the rows of this part",
            ));
        }
        if self.error.is_some() && !self.done {
            return Err(InvalidPayload::new::<Self>("error: ends the result, which is not done"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn part() -> QueryResult {
        serde_json::from_value(json!({
            "queryId": "q1",
            "fields": [{"name": "id", "dataType": "int8"}, {"name": "tags", "dataType": "jsonb"}],
            "rows": [[1, {"a": null}], [2, [true, "x"]]],
            "rowCount": 2,
            "done": false,
        }))
        .unwrap()
    }

    fn refusal(change: impl FnOnce(&mut QueryResult)) -> String {
        let mut part = part();
        assert_eq!(part.check(), Ok(()));
        change(&mut part);
        part.check().unwrap_err().to_string()
    }

    #[test]
    fn a_row_has_a_value_for_every_field() {
        let error = refusal(|part| part.rows[1].truncate(1));
        assert!(error.contains("rows[1]: must have a value for each of the 2 fields"), "{error}");
    }

    #[test]
    fn a_later_part_may_leave_the_fields_out() {
        let later = QueryResult { fields: Vec::new(), row_count: 4, ..part() };
        assert_eq!(later.check(), Ok(()));
        assert!(!serde_json::to_string(&later).unwrap().contains("fields"));
    }

    #[test]
    fn the_count_is_never_lower_than_the_rows() {
        let error = refusal(|part| part.row_count = 1);
        assert!(error.contains("rowCount: "), "{error}");
    }

    #[test]
    fn an_error_is_the_end() {
        let error =
            QueryError { code: "42P01".into(), message: "no such table".into(), position: None };
        let refused = refusal(|part| part.error = Some(error.clone()));
        assert!(refused.contains("error: "), "{refused}");
        let end = QueryResult { error: Some(error), done: true, ..part() };
        assert_eq!(end.check(), Ok(()));
    }
}
