use bridge::settings::{parse, Settings};
use std::time::Duration;

fn settings(prefix: &str, huge_pages: bool, seconds: u64) -> Settings {
    Settings { prefix: prefix.into(), huge_pages, not_included_after: Duration::from_secs(seconds) }
}

#[test]
fn reads_what_is_allowed() {
    assert_eq!(parse("a_"), Ok(settings("a_", false, 20)));
    assert_eq!(parse(""), Ok(settings("", false, 20)));
    assert_eq!(parse("x.y-z,huge-pages"), Ok(settings("x.y-z", true, 20)));
    assert_eq!(parse(",not-included-after=5,huge-pages"), Ok(settings("", true, 5)));
    assert_eq!(parse("a,not-included-after=120"), Ok(settings("a", false, 120)));
}

#[test]
fn refuses_what_would_leave_the_folder_or_says_nothing() {
    for text in ["../a", "a/b", ".a", "-a", "a b", "a\0", &"a".repeat(101)] {
        assert!(parse(text).unwrap_err().contains("the prefix"), "{text}");
    }
    for text in ["a,huge", "a,", "a,not-included-after", "a,b_"] {
        assert!(parse(text).unwrap_err().contains("is not known"), "{text}");
    }
    for text in ["4", "121", "", "-1", "1.5", "99999999999999999999"] {
        assert!(parse(&format!("a,not-included-after={text}")).unwrap_err().contains("5 to 120 seconds"), "{text}");
    }
}
