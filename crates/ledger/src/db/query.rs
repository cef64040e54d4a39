//! A statement that is put together from what was asked for.

use super::{Statement, Value};

/// Text and values so far.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    text: String,
    args: Vec<Value>,
}

impl Query {
    /// Begins with `text`, which uses no value.
    pub fn new(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            args: Vec::new(),
        }
    }

    /// Goes on with `text`: words of ours, never of a user.
    pub fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Goes on with a value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.args.push(value.into());
        self.text.push_str(&format!("${}", self.args.len()));
        self
    }

    /// The statement and its values.
    pub fn build(self) -> (Statement, Vec<Value>) {
        (Statement::from(self.text), self.args)
    }
}
