package dev.octavo.bench.peer;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SizesTest {

  @ParameterizedTest
  @CsvSource({"1,1,0", "4096,1,0", "4097,2,1", "8193,3,2", "16384,4,2", "135168,33,6"})
  void bytesBecomePagesAndOrders(long byteSize, int pages, int order) {
    assertThat(Sizes.pages(byteSize)).isEqualTo(pages);
    assertThat(Sizes.order(byteSize)).isEqualTo(order);
  }
}
