//! Small pages of our own: one style, and text that stays text.

use axum::response::Html;

const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 34rem; margin: 4rem auto; padding: 0 1.5rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin: 0 }
table { width: 100%; border-collapse: collapse } td, th { padding: .5rem 0; text-align: left; border-bottom: 1px solid #8884 }
td:last-child { text-align: right } .sum { font-weight: 600 }
button { font: inherit; width: 100%; margin: .5rem 0; padding: .7rem; border: 0; border-radius: .5rem; background: #3457d5; color: #fff; cursor: pointer }
.quiet { background: #8883; color: inherit } .note { opacity: .7; font-size: .9rem } .good { color: #1a8a4a; font-weight: 600 }
section { border: 1px solid #8884; border-radius: .5rem; padding: 1rem; margin: 1rem 0 }
label, input { display: block; width: 100%; box-sizing: border-box } input { font: inherit; padding: .6rem; margin: .3rem 0 }
iframe { width: 100%; height: 26rem; border: 1px solid #8884; border-radius: .5rem; background: #fff }
pre { white-space: pre-wrap }
";

/// A whole page; `body` is HTML.
pub(crate) fn page(title: &str, body: &str) -> Html<String> {
    let title = escaped(title);
    Html(format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><body>{body}</body></html>"
    ))
}

/// The text as HTML that shows just it, also in an attribute's quotes.
pub(crate) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        assert_eq!(
            escaped(r#"<a href='x'>"&"#),
            "&lt;a href=&#39;x&#39;&gt;&quot;&amp;"
        );
    }
}
