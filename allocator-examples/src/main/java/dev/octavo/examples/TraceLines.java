package dev.octavo.examples;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/// The lines of a text file, plain or gzipped (told by its first two bytes), one at a time in one
/// reused buffer, with a cursor that takes the line apart word by word. Makes no garbage a line.
final class TraceLines {
  static final int MAX_LINE_BYTES = 1000;

  private static final int CHUNK_BYTES = 1 << 16;
  private static final int GZIP_MAGIC_0 = 0x1f;
  private static final int GZIP_MAGIC_1 = 0x8b;

  private final String file;
  private final InputStream in;
  private final byte[] chunk = new byte[CHUNK_BYTES];
  private int chunkNext;
  private int chunkEnd;
  private final byte[] line = new byte[MAX_LINE_BYTES];
  private int lineLength;
  private int cursor;
  private long lineNumber;

  TraceLines(String file, InputStream raw) throws IOException, TraceException {
    this.file = file;
    BufferedInputStream buffered = new BufferedInputStream(raw, CHUNK_BYTES);
    buffered.mark(2);
    boolean isGzip = buffered.read() == GZIP_MAGIC_0 && buffered.read() == GZIP_MAGIC_1;
    buffered.reset();
    try {
      in = isGzip ? new GZIPInputStream(buffered, CHUNK_BYTES) : buffered;
    } catch (EOFException e) {
      throw error("truncated gzip: linesRead=0");
    } catch (ZipException e) {
      throw error("corrupt gzip: cause=" + e.getMessage());
    }
  }

  /// Goes to the next line; false at the end of the file.
  boolean next() throws IOException, TraceException {
    lineLength = 0;
    cursor = 0;
    int b = read();
    if (b < 0) {
      return false;
    }
    lineNumber++;
    while (b >= 0 && b != '\n') {
      if (lineLength == MAX_LINE_BYTES) {
        throw error("line too long: maxBytes=" + MAX_LINE_BYTES);
      }
      line[lineLength++] = (byte) b;
      b = read();
    }
    if (lineLength > 0 && line[lineLength - 1] == '\r') {
      lineLength--;
    }
    return true;
  }

  private int read() throws IOException, TraceException {
    if (chunkNext == chunkEnd) {
      chunkEnd = fill();
      chunkNext = 0;
      if (chunkEnd <= 0) {
        chunkEnd = 0;
        return -1;
      }
    }
    return chunk[chunkNext++] & 0xff;
  }

  private int fill() throws IOException, TraceException {
    try {
      return in.read(chunk, 0, chunk.length);
    } catch (EOFException e) {
      throw error("truncated gzip: linesRead=" + lineNumber);
    } catch (ZipException e) {
      throw error("corrupt gzip: cause=" + e.getMessage());
    }
  }

  boolean isBlank() {
    return lineLength == 0;
  }

  boolean startsWith(char c) {
    return lineLength > 0 && line[0] == c;
  }

  String text() {
    return new String(line, 0, lineLength, StandardCharsets.UTF_8);
  }

  /// Takes a word that has to be one byte long.
  char takeLetter(String what) throws TraceException {
    int start = cursor;
    int end = takeWord(what);
    if (end - start != 1) {
      throw error("bad " + what + ": " + what + "=" + text(start, end));
    }
    return (char) (line[start] & 0xff);
  }

  /// Takes a word that has to be a decimal number in 0..max.
  int takeNumber(String what, int max) throws TraceException {
    int start = cursor;
    int end = takeWord(what);
    long value = 0;
    for (int i = start; i < end; i++) {
      int digit = line[i] - '0';
      if (digit < 0 || digit > 9) {
        throw error("bad number: " + what + "=" + text(start, end));
      }
      value = Math.min(value * 10 + digit, Integer.MAX_VALUE);
    }
    if (value > max) {
      throw error(what + " out of range: " + what + "=" + text(start, end) + ", max=" + max);
    }
    return (int) value;
  }

  /// Refuses a line that goes on after its last word.
  void endLine() throws TraceException {
    if (cursor <= lineLength) {
      throw error("too many words: line=" + text());
    }
  }

  /// Moves the cursor behind the next word and its space; returns where the word ends.
  private int takeWord(String what) throws TraceException {
    int end = cursor;
    while (end < lineLength && line[end] != ' ') {
      end++;
    }
    if (end <= cursor) {
      throw error("missing word: word=" + what + ", line=" + text());
    }
    cursor = end + 1;
    return end;
  }

  private String text(int start, int end) {
    return new String(line, start, end - start, StandardCharsets.UTF_8);
  }

  TraceException error(String text) {
    return new TraceException(file, lineNumber, text);
  }
}
