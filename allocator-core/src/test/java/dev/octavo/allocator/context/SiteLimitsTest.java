package dev.octavo.allocator.context;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SiteLimitsTest {

  private static final long ALL_LOGGED = 0;

  /// Just before a clock of nanoseconds overflows.
  private long now = Long.MAX_VALUE - SiteLimits.WINDOW_NANOS / 2;

  private final SiteLimits limits = new SiteLimits(() -> now);

  private static CallSite site(int number) {
    return new CallSite("Allocator.allocate", "Caller.java:" + number);
  }

  private void exhaust(CallSite site) {
    for (int i = 0; i <= SiteLimits.BURST; i++) {
      assertThat(limits.admit(site)).isEqualTo(ALL_LOGGED);
    }
    assertThat(limits.admit(site)).isEqualTo(SiteLimits.SUPPRESSED);
  }

  @Test
  void theFirstIsFreeAndThenTenInFiveSeconds() {
    exhaust(site(1));
    now += SiteLimits.WINDOW_NANOS - 1;
    assertThat(limits.admit(site(1))).isEqualTo(SiteLimits.SUPPRESSED);
    now += 1;
    assertThat(limits.admit(site(1))).as("suppressed since the last").isEqualTo(2);
    for (int i = 1; i < SiteLimits.BURST; i++) {
      assertThat(limits.admit(site(1))).isEqualTo(ALL_LOGGED);
    }
    assertThat(limits.admit(site(1))).isEqualTo(SiteLimits.SUPPRESSED);
    assertThat(limits.suppressedCount()).isEqualTo(3);
  }

  @Test
  void theFirstOfANewSiteIsNeverSuppressed() {
    for (int i = 0; i < SiteLimits.MAX_SITES; i++) {
      exhaust(site(i));
    }
    assertThat(limits.siteCount()).isEqualTo(SiteLimits.MAX_SITES);
  }

  @Test
  void anotherCallOrAnotherLineIsAnotherSite() {
    exhaust(site(1));
    assertThat(limits.admit(site(2))).isEqualTo(ALL_LOGGED);
    assertThat(limits.admit(new CallSite("Allocator.close", site(1).caller())))
        .isEqualTo(ALL_LOGGED);
    assertThat(limits.siteCount()).isEqualTo(3);
  }

  @Test
  void sitesBeyondTheBoundShareOneLimit() {
    for (int i = 0; i < SiteLimits.MAX_SITES; i++) {
      limits.remember(site(i));
    }
    limits.remember(site(-1));
    int logged = 0;
    for (int i = 0; i < 100; i++) {
      if (limits.admit(site(-1 - i)) != SiteLimits.SUPPRESSED) {
        logged++;
      }
    }
    assertThat(logged).isEqualTo(SiteLimits.BURST);
    assertThat(limits.siteCount()).isEqualTo(SiteLimits.MAX_SITES);
    assertThat(limits.admit(site(0))).isEqualTo(ALL_LOGGED);
  }
}
