//! What a request makes its answer depend on: the copy of a file that the client has.

use std::time::{Duration, SystemTime};

use hyper::HeaderMap;
use hyper::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

use super::tree::Facts;

/// What the conditions of a request come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They hold, or there are none.
    Answer,
    /// The client has it already.
    NotModified,
    /// It is not what the client takes it for.
    Failed,
}

/// Looks at the conditions in the order that RFC 9110, 13.2.2 lays down.
pub(super) fn verdict(headers: &HeaderMap, facts: &Facts) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !lists(headers, &IF_MATCH, |tag| tag == facts.etag) {
            return Verdict::Failed;
        }
    } else if date(headers, &IF_UNMODIFIED_SINCE).is_some_and(|date| facts.modified > date) {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        let is_ours = |tag: &str| tag.strip_prefix("W/").unwrap_or(tag) == facts.etag;
        if lists(headers, &IF_NONE_MATCH, is_ours) {
            return Verdict::NotModified;
        }
    } else if date(headers, &IF_MODIFIED_SINCE).is_some_and(|date| facts.modified <= date) {
        return Verdict::NotModified;
    }
    Verdict::Answer
}

/// Whether a part may be sent: the client has other parts of the same contents, as far as it says.
pub(super) fn permits_part(headers: &HeaderMap, facts: &Facts, now: SystemTime) -> bool {
    let Some(condition) = headers.get(IF_RANGE) else { return true };
    let condition = condition.to_str().unwrap_or_default().trim();
    if condition == facts.etag {
        return true;
    }
    // A file may be written twice in one second, and a date is the same for both.
    let is_settled = facts.modified + Duration::from_secs(1) < now;
    is_settled && httpdate::parse_http_date(condition).is_ok_and(|date| date == facts.modified)
}

/// Whether a list of tags is `*`, or has one that fits.
fn lists(headers: &HeaderMap, name: &HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // Our own tags contain no comma, so what is cut wrongly does not fit.
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|tag| tag == "*" || fits(tag))
}

/// A date that cannot be read is none.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn facts() -> Facts {
        let modified = httpdate::parse_http_date(SAME).unwrap();
        Facts { length: 5, modified, etag: "\"a-1\"".to_owned() }
    }

    fn headers(headers: &[(HeaderName, &'static str)]) -> HeaderMap {
        headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn conditions_come_to_what_they_should() {
        use Verdict::{Answer, Failed, NotModified};
        for (conditions, expected) in [
            (&[][..], Answer),
            (&[(IF_NONE_MATCH, "\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "W/\"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"b\", \"a-1\"")], NotModified),
            (&[(IF_NONE_MATCH, "*")], NotModified),
            (&[(IF_NONE_MATCH, "\"b\"")], Answer),
            (&[(IF_MODIFIED_SINCE, EARLIER)], Answer),
            (&[(IF_MODIFIED_SINCE, SAME)], NotModified),
            (&[(IF_MODIFIED_SINCE, LATER)], NotModified),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Answer),
            // The tag says more than the date.
            (&[(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, LATER)], Answer),
            (&[(IF_MATCH, "\"a-1\"")], Answer),
            (&[(IF_MATCH, "*")], Answer),
            (&[(IF_MATCH, "W/\"a-1\"")], Failed),
            (&[(IF_MATCH, "\"b\"")], Failed),
            (&[(IF_UNMODIFIED_SINCE, EARLIER)], Failed),
            (&[(IF_UNMODIFIED_SINCE, SAME)], Answer),
        ] {
            assert_eq!(verdict(&headers(conditions), &facts()), expected, "{conditions:?}");
        }
    }

    #[test]
    fn a_part_is_permitted_for_the_same_contents_only() {
        let modified = facts().modified;
        for (condition, age, expected) in [
            ("\"a-1\"", 0, true),
            ("W/\"a-1\"", 9, false),
            ("\"b\"", 9, false),
            (SAME, 9, true),
            (SAME, 1, false),
            (LATER, 9, false),
            ("", 9, false),
        ] {
            let now = modified + Duration::from_secs(age);
            let headers = headers(&[(IF_RANGE, condition)]);
            assert_eq!(permits_part(&headers, &facts(), now), expected, "{condition} {age}");
        }
        assert!(permits_part(&headers(&[]), &facts(), modified));
    }
}
