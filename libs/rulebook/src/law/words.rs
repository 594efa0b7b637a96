//! What a rule says, in words.

use super::{Duty, Extension, Rule};

impl Rule {
    /// What it says, in words: `30 days, +15 once if complex`. A rule of discipline also says what it is for, and
    /// which moment selects it.
    pub fn words(&self) -> String {
        let evidence = |what: &str, code: &Option<String>| {
            code.as_ref().map_or_else(String::new, |code| format!("{what} evidence: {code}"))
        };
        let parts = [
            self.limit_in_words(),
            self.term_in_words(),
            codes("forms:", &self.forms),
            codes("requires", &self.requires),
            codes("exempt:", &self.exempt),
            codes("paused by", &self.pauses),
            codes("reasons:", &self.reasons),
            evidence("with", &self.with_evidence),
            evidence("without", &self.without_evidence),
            codes("permits", &self.permits),
            codes("forbids", &self.forbids),
            codes("mitigated by", &self.mitigates),
            codes("aggravated by", &self.aggravates),
            self.waiting_in_words(),
            codes("for", &self.conditions_in_words()),
            self.selection_in_words(),
        ];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ")
    }

    fn limit_in_words(&self) -> String {
        let limit = self.limit.iter().map(|limit| format!("{limit}{}", self.start_in_words()));
        let extensions = self.extensions.iter().map(|Extension { when, times, days, .. }| {
            let times = match times {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                times => format!("{times} times"),
            };
            format!("+{days} {times} if {}", when.as_str().replace('_', " "))
        });
        limit.chain(extensions).collect::<Vec<_>>().join(", ")
    }

    fn term_in_words(&self) -> String {
        match (self.months, self.duty) {
            (Some(1), _) => format!("1 month{}", self.start_in_words()),
            (Some(months), _) => format!("{months} months{}", self.start_in_words()),
            (None, Duty::Limitation) => "no limitation".to_owned(),
            (None, _) => String::new(),
        }
    }

    fn start_in_words(&self) -> String {
        self.counts_from.map_or_else(String::new, |start| format!(" from the {}", start.as_str()))
    }

    fn waiting_in_words(&self) -> String {
        match (self.waits_for, self.duty) {
            (Some(track), _) => format!("waits for the track {}", track.as_str()),
            (None, Duty::Parallel) => "waits for no other track".to_owned(),
            (None, _) => String::new(),
        }
    }

    /// The conditions that only discipline has; an id such as `complaint.accept` names the others.
    fn conditions_in_words(&self) -> Vec<String> {
        let track = self.track.map(|track| track.as_str().to_owned());
        let person = self.person.map(|person| person.as_str().to_owned());
        let leads = self.leads.map(|leads| if leads { "leaders" } else { "others than leaders" }.to_owned());
        let form = self.form.as_ref().map(|form| format!("the form {form}"));
        [track, person, leads, form].into_iter().flatten().collect()
    }

    fn selection_in_words(&self) -> String {
        self.selected_by.map_or_else(String::new, |moment| {
            format!("selected by the {} ({})", moment.as_str(), self.selected_by_source)
        })
    }
}

fn codes(what: &str, codes: &[String]) -> String {
    match codes {
        [] => String::new(),
        codes => format!("{what} {}", codes.join(", ")),
    }
}
