// The report of a run.
#include <gloss/core/rng.hpp>
#include <gloss/tensor/tensor.hpp>
#include <gloss/train/report.hpp>

#include "support/catch.hpp"
#include "support/temp_folder.hpp"
#include "support/tensors.hpp"
#include "support/xml.hpp"

using namespace gloss;
using gloss_test::count;
using gloss_test::is_well_formed;
using train::Report;

namespace {

/// Everything that a report can hold, every text the same.
Report report_of(const std::string& text) {
  Report report(text, text);
  report.fact(text, text);
  report.table(text, {{text, "n"}, {text, "1.5"}});
  report.settings(text, {{text, text}});
  report.preformatted(text, text + "\n" + text);
  train::History history;
  history({.phase = text, .step = 1, .values = {{text, 0.5}}});
  report.history(text, history);
  report.picture(text,
                 train::render_confusion_svg({.counts = Tensor<std::int64_t>{{1}}, .classes = {text}, .title = text}));
  report.images(text, {{"\x89PNG", text}, {"\xff\xd8", text}});
  Profile profile;
  { ProfileScope scope("matmul"); }
  profile.stop();
  report.profile(text, profile);
  return report;
}

std::string body_of(const std::string& html) { return html.substr(html.find("<html")); }

}  // namespace

TEST_CASE("Report: one page with everything in it") {
  const std::string html = report_of("digits").html();
  CHECK(html.starts_with("<!DOCTYPE html>\n"));
  CHECK(is_well_formed(body_of(html)));
  CHECK(html.find("<title>digits</title>") != std::string::npos);
  CHECK(html.find("<div><b>digits</b><span>digits</span></div>") != std::string::npos);
  CHECK(html.find("<tr><th>digits</th><th class=\"n\">n</th></tr>\n<tr><td>digits</td><td class=\"n\">1.5</td></tr>") !=
        std::string::npos);
  CHECK(html.find("<dt>digits</dt><dd>digits</dd>") != std::string::npos);
  CHECK(html.find("<pre>digits\ndigits\n</pre>") != std::string::npos);
  CHECK(html.find("src=\"data:image/png;base64,iVBORw==\"") != std::string::npos);
  CHECK(html.find("src=\"data:image/jpeg;base64,/9g=\"") != std::string::npos);
  CHECK(html.find("<td>matmul</td>") != std::string::npos);
  CHECK(count(html, "<svg") == 2);
}

TEST_CASE("Report: asks nothing of the network, has no scripts, and knows dark screens") {
  const std::string html = report_of("digits").html();
  for (const char* part : {"<script", "<link", "url(", "@import", "href"}) CHECK(html.find(part) == std::string::npos);
  CHECK(count(html, "http") == count(html, "http://www.w3.org/2000/svg"));
  CHECK(count(html, "@media(prefers-color-scheme:dark)") >= 3);
}

TEST_CASE("Report: any bytes are text, and never markup") {
  const std::string html = report_of("</title><script>alert('\"&\xff\n\x01").html();
  CHECK(is_well_formed(body_of(html)));
  CHECK(html.find("<script") == std::string::npos);
  Rng rng(5);
  for (int i = 0; i < 100; ++i) {
    std::string bytes;
    for (std::uint32_t n = rng.below(30); n > 0; --n)
      bytes += rng.below(3) ? static_cast<char>(rng.below(256)) : "<>&\"'/ \n\x01"[rng.below(9)];
    if (!is_well_formed(body_of(report_of(bytes).html()))) FAIL(bytes);
  }
}

TEST_CASE("Report: is saved whole or not at all") {
  const TempFolder folder;
  const Report report = report_of("digits");
  report.save(folder.file("report.html"));
  CHECK(read_file(folder.file("report.html")) == report.html());
  CHECK_ERROR(report.save("/no/such/folder/report.html"), Error,
              "write_file_atomically: /no/such/folder/report.html: No such file or directory");
  CHECK(is_well_formed(body_of(Report("empty").html())));
}
