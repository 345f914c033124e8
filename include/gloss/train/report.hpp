// A report of a run as one HTML file: numbers, curves, matrices, images, tables, and what took the time.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gloss/io/atomic_file.hpp>
#include <gloss/io/base64.hpp>
#include <gloss/tensor/profile.hpp>
#include <gloss/text/lines.hpp>
#include <gloss/train/confusion_map.hpp>
#include <gloss/train/history.hpp>

namespace gloss::inline GLOSS_ABI::train {

/// An image of a report, the bytes of a PNG or JPEG file, and what stands below it.
struct ReportImage {
  std::string bytes;
  std::string caption = {};
};

/// Gathers sections and writes them as a page that needs nothing beside it: no scripts, no fonts, no network; for light
/// and dark screens and for paper. Texts may hold any bytes.
///   train::Report report("digits");
///   report.history("Curves", history);
///   report.save("report.html");
class Report {
 public:
  /// `about` stands below the title.
  explicit Report(std::string title, std::string about = {}) : title_(std::move(title)), about_(std::move(about)) {}

  /// A number at the top of the page: fact("accuracy", "92.6 %").
  void fact(std::string_view name, std::string_view value) {
    facts_ += "<div><b>" + safe(value) + "</b><span>" + safe(name) + "</span></div>\n";
  }

  /// Rows of cells; the first row is the heading. Numbers stand to the right.
  void table(std::string_view title, const std::vector<std::vector<std::string>>& rows) {
    std::string html = "<div class=\"wide\"><table>\n";
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const std::string tag = r == 0 ? "th" : "td";
      html += "<tr>";
      for (std::size_t c = 0; c < rows[r].size(); ++c) {
        const auto& below = rows[r == 0 && rows.size() > 1 ? 1 : r];
        html += "<" + tag + (c < below.size() && is_number(below[c]) ? " class=\"n\">" : ">") + safe(rows[r][c]) +
                "</" + tag + ">";
      }
      html += "</tr>\n";
    }
    section(title, html + "</table></div>\n");
  }
  /// Names and values, such as the options of a run.
  void settings(std::string_view title, const std::vector<std::pair<std::string, std::string>>& settings) {
    std::string html = "<dl>\n";
    for (const auto& [name, value] : settings) html += "<dt>" + safe(name) + "</dt><dd>" + safe(value) + "</dd>\n";
    section(title, html + "</dl>\n");
  }
  /// Text whose lines stay as they are: nn::summary(model, x), a translation, a log.
  void preformatted(std::string_view title, std::string_view lines) {
    std::string html;
    while (!lines.empty()) html += safe(text::detail::take_line(lines)) + "\n";
    section(title, "<pre>" + html + "</pre>\n");
  }
  /// A picture from render_curves_svg, render_confusion_svg or render_attention_svg, as they are, within the page.
  void picture(std::string_view title, std::string_view svg) {
    section(title, "<figure class=\"wide\">" + std::string(svg) + "</figure>\n");
  }
  /// Images side by side.
  void images(std::string_view title, const std::vector<ReportImage>& images) {
    std::string html = "<div class=\"images\">\n";
    for (const ReportImage& image : images)
      html += "<figure><img alt=\"" + safe(image.caption) + "\" src=\"data:image/" +
              (image.bytes.starts_with("\x89PNG") ? "png" : "jpeg") + ";base64," + io::base64(image.bytes) +
              "\"/><figcaption>" + safe(image.caption) + "</figcaption></figure>\n";
    section(title, html + "</div>\n");
  }

  /// A picture of curves for each value, with a curve for each phase, and a table of the last, least and greatest.
  void history(std::string_view title, const History& history) {
    std::string html = "<div class=\"pictures\">\n";
    for (const std::string& name : history.names())
      html += "<figure>" +
              render_curves_svg({.curves = history.curves(name), .title = name, .width = 520, .height = 300}) +
              "</figure>\n";
    section(title, html + "</div>\n");
    std::vector<std::vector<std::string>> rows = {
        {"value", "phase", "last", "least", "at step", "greatest", "at step"}};
    for (const HistoryRecord& r : history.records())
      rows.push_back({r.name, r.phase, short_number(r.last), short_number(r.least), std::to_string(r.least_step),
                      short_number(r.greatest), std::to_string(r.greatest_step)});
    table("", rows);
  }

  /// What took the time: the longest ops of a profile.
  void profile(std::string_view title, const Profile& profile, std::size_t most = 20) {
    const double total = profile.seconds();
    std::vector<std::vector<std::string>> rows = {
        {"op", "share %", "forward calls", "ms", "backward calls", "ms", "GFLOP/s"}};
    const auto hundredths = [](double x) { return short_number(std::round(100 * x) / 100); };
    for (const ProfileRow& r : profile.rows()) {
      if (rows.size() > most) break;
      rows.push_back({r.op, hundredths(100 * r.seconds() / total), std::to_string(r.forward_calls),
                      hundredths(1e3 * r.forward_seconds), std::to_string(r.backward_calls),
                      hundredths(1e3 * r.backward_seconds),
                      r.flop_seconds > 0 ? hundredths(1e-9 * r.flops / r.flop_seconds) : "-"});
    }
    table(title, rows);
  }

  /// The page.
  std::string html() const {
    std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
    page += "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>\n";
    page += "<title>" + safe(title_) + "</title>\n<style>\n" + style() + "</style>\n</head>\n<body>\n<header>\n<h1>" +
            safe(title_) + "</h1>\n";
    if (!about_.empty()) page += "<p>" + safe(about_) + "</p>\n";
    if (!facts_.empty()) page += "<div class=\"facts\">\n" + facts_ + "</div>\n";
    return page + "</header>\n<main>\n" + sections_ + "</main>\n</body>\n</html>\n";
  }
  /// Writes it: at any moment the file is either the old one or the whole new one.
  /// Errors: Error naming the file and the cause.
  void save(const std::string& path) const { io::write_file_atomically(path, html()); }

 private:
  static std::string safe(std::string_view bytes) { return xml_text(bytes, bytes.size()); }
  static bool is_number(const std::string& cell) {
    return !cell.empty() && cell.find_first_not_of("0123456789+-.,e% ") == std::string::npos;
  }
  void section(std::string_view title, const std::string& html) {
    sections_ += "<section>\n" + (title.empty() ? "" : "<h2>" + safe(title) + "</h2>\n") + html + "</section>\n";
  }
  GLOSS_COLD static std::string style() {
    return ":root{color-scheme:light dark;--paper:#f4f6f8;--card:#fff;--ink:#1c2733;--soft:#5d6976;--line:#dfe4ea;"
           "--accent:#0f7c8f}\n"
           "@media(prefers-color-scheme:dark){:root{--paper:#0f141a;--card:#171e26;--ink:#e4e9ef;--soft:#93a1b0;"
           "--line:#2b3641;--accent:#4fc1d4}}\n"
           "*{box-sizing:border-box}body{margin:0;padding:32px 20px 64px;background:var(--paper);color:var(--ink);"
           "font:15px/1.5 Inter,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif}\n"
           "header,main{max-width:1120px;margin:0 auto}h1{font-size:28px;line-height:1.2;margin:0 0 "
           "6px;overflow-wrap:anywhere}"
           "h2{font-size:17px;margin:0 0 12px}header p{color:var(--soft);margin:0 0 16px}\n"
           ".facts{display:flex;flex-wrap:wrap;gap:12px;margin:16px 0}.facts div{background:var(--card);border:1px "
           "solid "
           "var(--line);border-radius:10px;padding:10px 16px;min-width:120px}.facts b{display:block;font-size:21px;"
           "color:var(--accent);font-variant-numeric:tabular-nums}.facts span{color:var(--soft);font-size:13px}\n"
           "section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:18px "
           "20px;margin:16px 0}"
           "figure{margin:0}svg,img{display:block;max-width:100%;height:auto}.wide{overflow-x:auto}\n"
           ".pictures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:12px}\n"
           ".images{display:flex;flex-wrap:wrap;gap:12px}.images img{min-width:84px;border-radius:6px;"
           "image-rendering:pixelated}.images figcaption{color:var(--soft);font-size:12.5px;max-width:160px;"
           "overflow-wrap:anywhere}\n"
           "table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{text-align:left;padding:5px 14px "
           "5px 0;"
           "border-bottom:1px solid "
           "var(--line);vertical-align:top}th{color:var(--soft);font-weight:500}.n,th.n{text-align:right}\n"
           "dl{display:grid;grid-template-columns:max-content 1fr;gap:4px "
           "18px;margin:0}dt{color:var(--soft)}dd{margin:0;"
           "overflow-wrap:anywhere}pre{margin:0;overflow-x:auto;font:12.5px/1.45 ui-monospace,'DejaVu Sans Mono',"
           "Menlo,Consolas,monospace}\n"
           "@media print{body{padding:0}section{break-inside:avoid}}\n";
  }

  std::string title_, about_, facts_, sections_;
};

}  // namespace gloss::inline GLOSS_ABI::train
