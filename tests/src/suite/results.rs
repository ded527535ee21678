//! What the runner says of each method: class, method, verdict, seconds, masters that were ready, reason; with tabs.

/// How a method ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It passed, and a master of ours was up.
    Passed,
    /// It isn't to be run, by its own words.
    Skipped,
    /// It failed, hung, or passed without a master of ours.
    Failed,
}

/// A method's end.
#[derive(Clone, Debug, PartialEq)]
pub struct MethodResult {
    /// Its name, parameters included; `<class>` for what isn't within a method.
    pub method: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long it took.
    pub seconds: f64,
    /// Why it failed.
    pub why: String,
}

pub(super) fn parse(text: &str) -> Vec<MethodResult> {
    text.lines().filter_map(line).collect()
}

fn line(line: &str) -> Option<MethodResult> {
    let mut fields = line.split('\t');
    let (_class, method, verdict) = (fields.next()?, fields.next()?, fields.next()?);
    let seconds = fields.next()?.parse().ok()?;
    let why = format!("{verdict} {}", fields.nth(1).unwrap_or_default());
    let verdict = match verdict {
        "PASS" => Verdict::Passed,
        "IGNORED" | "ASSUME" => Verdict::Skipped,
        "VAIN" => return None, // a note on what the tests asked in vain
        _ => Verdict::Failed,
    };
    Some(MethodResult { method: method.to_owned(), verdict, seconds, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_is_read() {
        let text = "a.B\tc[0]\tPASS\t1.5\t1\tlive=1\na.B\td\tNOMASTER\t0.1\t0\t\na.B\te\tIGNORED\t0.0\t0\t\n\
                    a.B\t<vain>\tVAIN\t9.0\t1\tx\nhalf a li\na.B\tf\tHANG\t240\t1\t@x";
        let found: Vec<_> = parse(text).into_iter().map(|result| (result.method, result.verdict)).collect();
        let expected = [
            ("c[0]", Verdict::Passed),
            ("d", Verdict::Failed),
            ("e", Verdict::Skipped),
            ("f", Verdict::Failed),
        ];
        assert_eq!(found, expected.map(|(method, verdict)| (method.to_owned(), verdict)));
    }
}
