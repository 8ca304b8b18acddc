<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  The status document (lib/admin/status.h), an explanation (lib/admin/explain.h), the history (lib/ledger/history.h) and what the doctor
  (lib/admin/doctor.h) found, as JSON. What is not
  known is null; of an event, what does not apply is not there.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>

  <xsl:variable name="special">"\&#9;&#10;&#13;</xsl:variable>

  <xsl:template match="/status">
    <xsl:text>{"pools":[</xsl:text>
    <xsl:apply-templates select="pool"/>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/doctor">
    <xsl:text>{"checks":[</xsl:text>
    <xsl:for-each select="check">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:value-of select="concat('{&quot;check&quot;:&quot;', @name, '&quot;,&quot;verdict&quot;:&quot;', @verdict, '&quot;,&quot;finding&quot;:')"/>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="@finding"/>
      </xsl:call-template>
      <xsl:text>,"remedy":</xsl:text>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="@remedy"/>
      </xsl:call-template>
      <xsl:text>}</xsl:text>
    </xsl:for-each>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/explanation">
    <xsl:text>{"guest":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@guest"/>
    </xsl:call-template>
    <xsl:text>,"interfaces":[</xsl:text>
    <xsl:apply-templates select="interface"/>
    <xsl:text>],"failure":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="failure"/>
    </xsl:call-template>
    <xsl:text>}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/history">
    <xsl:text>{"events":[</xsl:text>
    <xsl:for-each select="event">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:value-of select="concat('{&quot;time&quot;:&quot;', @time, '&quot;')"/>
      <xsl:for-each select="@event | @guest | @uuid | @address | @pf | @pool | @mac | @reason | @actor">
        <xsl:value-of select="concat(',&quot;', name(), '&quot;:')"/>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="."/>
        </xsl:call-template>
      </xsl:for-each>
      <xsl:if test="@vf">
        <xsl:value-of select="concat(',&quot;vf&quot;:', @vf)"/>
      </xsl:if>
      <xsl:text>}</xsl:text>
    </xsl:for-each>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="interface">
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:value-of select="concat('{&quot;number&quot;:', @number)"/>
    <xsl:for-each select="@pool | @mac | @policy | @decided">
      <xsl:value-of select="concat(',&quot;', name(), '&quot;:')"/>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="."/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:text>,"vfs":[</xsl:text>
    <xsl:for-each select="vf">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:text>{"address":</xsl:text>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="@address"/>
      </xsl:call-template>
      <xsl:text>,"pf":</xsl:text>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="@pf"/>
      </xsl:call-template>
      <xsl:value-of select="concat(',&quot;vf&quot;:', @vf, ',&quot;chosen&quot;:', boolean(@chosen), ',&quot;reason&quot;:')"/>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="@reason"/>
      </xsl:call-template>
      <xsl:text>}</xsl:text>
    </xsl:for-each>
    <xsl:text>]}</xsl:text>
  </xsl:template>

  <xsl:template match="pool">
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:text>{"name":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@name"/>
    </xsl:call-template>
    <!-- Only where there is something to say. -->
    <xsl:for-each select="@fault | missing">
      <xsl:value-of select="concat(',&quot;', name(), '&quot;:')"/>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="."/>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:if test="note">
      <xsl:text>,"notes":[</xsl:text>
      <xsl:for-each select="note">
        <xsl:if test="position() &gt; 1">,</xsl:if>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="."/>
        </xsl:call-template>
      </xsl:for-each>
      <xsl:text>]</xsl:text>
    </xsl:if>
    <xsl:text>,"vfs":[</xsl:text>
    <xsl:apply-templates select="vf"/>
    <xsl:text>]}</xsl:text>
  </xsl:template>

  <xsl:template match="vf">
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:value-of select="concat('{&quot;address&quot;:&quot;', @address, '&quot;,&quot;pf&quot;:')"/>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@pf"/>
    </xsl:call-template>
    <xsl:value-of select="concat(',&quot;vf&quot;:', @vf, ',&quot;state&quot;:&quot;', @state, '&quot;,&quot;reason&quot;:')"/>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@reason"/>
    </xsl:call-template>
    <xsl:text>,"guest":</xsl:text>
    <xsl:choose>
      <xsl:when test="guest">
        <xsl:text>{"name":</xsl:text>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="guest/@name"/>
        </xsl:call-template>
        <xsl:text>,"uuid":</xsl:text>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="guest/@uuid"/>
        </xsl:call-template>
        <xsl:text>}</xsl:text>
      </xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
    <xsl:text>,"mac":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@mac"/>
    </xsl:call-template>
    <xsl:text>,"since":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@since"/>
    </xsl:call-template>
    <xsl:apply-templates select="settings"/>
    <xsl:text>}</xsl:text>
  </xsl:template>

  <xsl:template match="settings">
    <xsl:text>,"settings":{"mac":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@mac"/>
    </xsl:call-template>
    <xsl:value-of select="concat(',&quot;vlan&quot;:', @vlan, ',&quot;qos&quot;:', @qos, ',&quot;protocol&quot;:')"/>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@protocol"/>
    </xsl:call-template>
    <xsl:value-of select="concat(',&quot;min_rate&quot;:', @min-rate, ',&quot;max_rate&quot;:', @max-rate)"/>
    <xsl:text>,"spoof_check":</xsl:text>
    <xsl:call-template name="truth">
      <xsl:with-param name="value" select="@spoof-check"/>
    </xsl:call-template>
    <xsl:text>,"trust":</xsl:text>
    <xsl:call-template name="truth">
      <xsl:with-param name="value" select="@trust"/>
    </xsl:call-template>
    <xsl:text>,"query_rss":</xsl:text>
    <xsl:call-template name="truth">
      <xsl:with-param name="value" select="@query-rss"/>
    </xsl:call-template>
    <xsl:text>,"link_state":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@link-state"/>
    </xsl:call-template>
    <xsl:text>,"ours":[</xsl:text>
    <xsl:call-template name="words">
      <xsl:with-param name="words" select="translate(@ours, '-', '_')"/>
    </xsl:call-template>
    <xsl:text>]}</xsl:text>
  </xsl:template>

  <!-- Words with spaces between, as strings. -->
  <xsl:template name="words">
    <xsl:param name="words"/>
    <xsl:if test="$words">
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="substring-before(concat($words, ' '), ' ')"/>
      </xsl:call-template>
      <xsl:if test="contains($words, ' ')">
        <xsl:text>,</xsl:text>
        <xsl:call-template name="words">
          <xsl:with-param name="words" select="substring-after($words, ' ')"/>
        </xsl:call-template>
      </xsl:if>
    </xsl:if>
  </xsl:template>

  <xsl:template name="truth">
    <xsl:param name="value"/>
    <xsl:choose>
      <xsl:when test="$value">
        <xsl:value-of select="$value = 'yes'"/>
      </xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="string">
    <xsl:param name="value"/>
    <xsl:choose>
      <xsl:when test="$value">
        <xsl:text>"</xsl:text>
        <xsl:call-template name="escape">
          <xsl:with-param name="text" select="string($value)"/>
        </xsl:call-template>
        <xsl:text>"</xsl:text>
      </xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- By halves, so that the depth stays small however many characters have to be escaped. -->
  <xsl:template name="escape">
    <xsl:param name="text"/>
    <xsl:variable name="half" select="floor(string-length($text) div 2)"/>
    <xsl:choose>
      <xsl:when test="translate($text, $special, '') = $text">
        <xsl:value-of select="$text"/>
      </xsl:when>
      <xsl:when test="$half &gt; 0">
        <xsl:call-template name="escape">
          <xsl:with-param name="text" select="substring($text, 1, $half)"/>
        </xsl:call-template>
        <xsl:call-template name="escape">
          <xsl:with-param name="text" select="substring($text, $half + 1)"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>\</xsl:text>
        <xsl:value-of select="translate($text, '&#9;&#10;&#13;', 'tnr')"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
