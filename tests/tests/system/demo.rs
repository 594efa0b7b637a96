//! The demo shows the main job on a province with everything in it.

use tests::{liem, run};

#[test]
fn the_demo_shows_boards_proceedings_and_duties_that_were_missed() {
    let shown = run(&mut liem(&["demo", "--cases", "60"]));
    assert!(shown.success, "{}", shown.err);
    for words in [
        "What became of the proceedings:",
        " exonerated",
        " annulled",
        " pending",
        "Duties in proceedings",
        "Where to look",
    ] {
        assert!(shown.out.contains(words), "{words}: {}", shown.out);
    }
    for word in ["open_proceeding", "OfficialExonerated", "sanctions"] {
        assert!(shown.out.contains(word), "{word}: {}", shown.out);
    }
    // Nobody who reported.
    assert!(!shown.out.contains("Người tố cáo"));
}
