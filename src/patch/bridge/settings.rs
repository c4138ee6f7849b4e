//! What `QOS_CHANNELS` says: `PREFIX[,huge-pages][,not-included-after=SECONDS]`.

use std::time::Duration;

const PREFIX_MAX: usize = 100;
const SECONDS_MIN: u64 = 5;
const SECONDS_MAX: u64 = 120;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Put before each channel's name, as `qos run --prefix` says it. May be empty.
    pub prefix: String,
    /// Whether the channels lie on 2 MiB pages.
    pub huge_pages: bool,
    /// A transaction that passed the signature check so long ago and was not committed counts as not included.
    pub not_included_after: Duration,
}

/// Reads the variable's text. Err says what is wrong with it.
pub fn parse(text: &str) -> Result<Settings, String> {
    let mut words = text.split(',');
    let prefix = words.next().unwrap_or_default();
    let mut settings = Settings {
        prefix: prefix.to_string(),
        huge_pages: false,
        // Longer than the hold of 20 slots before a leader window, and the window itself.
        not_included_after: Duration::from_secs(20),
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = prefix.len() <= PREFIX_MAX && prefix.chars().all(|c| is_word(c) || c == '.' || c == '-');
    if !fits || !prefix.chars().take(1).all(is_word) {
        return Err(format!(
            "the prefix \"{prefix}\" is not allowed; expected up to {PREFIX_MAX} letters, digits, _ . or -, beginning \
             with a letter, a digit or _"
        ));
    }
    for word in words {
        if word == "huge-pages" {
            settings.huge_pages = true;
        } else if let Some(seconds) = word.strip_prefix("not-included-after=") {
            match seconds.parse() {
                Ok(seconds @ SECONDS_MIN..=SECONDS_MAX) => settings.not_included_after = Duration::from_secs(seconds),
                _ => {
                    return Err(format!(
                        "not-included-after: \"{seconds}\" is not allowed; expected {SECONDS_MIN} to {SECONDS_MAX} seconds"
                    ))
                }
            }
        } else {
            return Err(format!(
                "\"{word}\" is not known; expected PREFIX[,huge-pages][,not-included-after=SECONDS]"
            ));
        }
    }
    Ok(settings)
}
