//! `--name value` pairs, nothing more: this program is driven by tests.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

pub struct Arguments(HashMap<String, String>);

impl Arguments {
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or_else(|| format!("expected a --flag, got {word:?}"))?
                .to_string();
            let value = words.next().ok_or_else(|| format!("--{name} needs a value"))?;
            values.insert(name, value);
        }
        Ok(Self(values))
    }

    pub fn text(&self, name: &str) -> Result<&str, String> {
        self.0
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| format!("--{name} is missing"))
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<T, String>
    where
        T::Err: Display,
    {
        let text = self.text(name)?;
        text.parse().map_err(|e| format!("--{name} {text:?}: {e}"))
    }

    pub fn number_or<T: FromStr>(&self, name: &str, otherwise: T) -> Result<T, String>
    where
        T::Err: Display,
    {
        if self.0.contains_key(name) {
            self.number(name)
        } else {
            Ok(otherwise)
        }
    }
}
