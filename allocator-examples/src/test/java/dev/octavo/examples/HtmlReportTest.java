package dev.octavo.examples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

/// The report stands on its own, its pictures are well-formed, and no locale shows through.
class HtmlReportTest {
  private static final Pattern PICTURE = Pattern.compile("(?s)<svg .*?</svg>");

  /// Room for the block of order 10 beside the others.
  private static final int ROOMY_PERCENT = 100;

  private final Locale usualLocale = Locale.getDefault();

  @AfterEach
  void restoreLocale() {
    Locale.setDefault(usualLocale);
  }

  private static Findings findings() throws IOException, TraceException {
    Progress progress = new Progress(new PrintWriter(Writer.nullWriter()), false);
    return new Demo(TraceFiles.parse(TraceFiles.SMALL), ROOMY_PERCENT, progress).run(1);
  }

  @Test
  void needsNothingElse() throws Exception {
    String html = new HtmlReport(findings()).toHtml();
    assertThat(html).doesNotContain("${", "http:", "https:", "<script", "<link", "url(", "@import");
    assertThat(html).contains("prefers-color-scheme: dark", "<html lang=\"en\">");
    assertThat(html)
        .contains("All checks passed.", "132 KiB costs 33 pages", "orders 0, 1, 2, 3, 4");
  }

  @Test
  void everyPictureIsWellFormedAndHasATitle() throws Exception {
    Matcher pictures = PICTURE.matcher(new HtmlReport(findings()).toHtml());
    int count = 0;
    while (pictures.find()) {
      byte[] xml = pictures.group().getBytes(StandardCharsets.UTF_8);
      Element svg =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new ByteArrayInputStream(xml))
              .getDocumentElement();
      assertThat(svg.getAttribute("aria-label")).isNotBlank();
      assertThat(svg.getElementsByTagName("title").getLength()).isPositive();
      assertThat(pictures.group()).doesNotContain("NaN", "Infinity");
      count++;
    }
    assertThat(count).isEqualTo(8);
  }

  @Test
  void readsTheSameInEveryLocale() throws Exception {
    Findings findings = findings();
    String expected = new HtmlReport(findings).toHtml();
    for (String tag : new String[] {"de-DE", "ar-EG", "hi-IN-u-nu-deva", "tr-TR"}) {
      Locale.setDefault(Locale.forLanguageTag(tag));
      assertThat(new HtmlReport(findings).toHtml()).as(tag).isEqualTo(expected);
    }
  }

  @Test
  void namesAreEscaped() {
    assertThat(Text.escape("<a & \"b\">")).isEqualTo("&lt;a &amp; &quot;b&quot;&gt;");
    assertThat(Text.bytes(135_168)).isEqualTo("132 KiB");
    assertThat(Text.bytes(0)).isEqualTo("0 B");
    assertThat(Text.bytes(1536L << 20)).isEqualTo("1.5 GiB");
    assertThat(Plot.niceStep(252_643, 6)).isEqualTo(50_000);
    assertThat(Plot.niceStep(1, 6)).isEqualTo(0.2);
  }
}
