<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  The status document (lib/admin/status.h), an explanation (lib/admin/explain.h), the history (lib/ledger/history.h) and what the doctor
  (lib/admin/doctor.h) found, and what a command did, as JSON: docs/vfpool.schema.json. Every member is always there; what
  is not known, or does not apply, is null.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>

  <xsl:variable name="special">"\&#9;&#10;&#13;</xsl:variable>

  <xsl:template match="/status">
    <xsl:text>{"format":1,"pools":[</xsl:text>
    <xsl:apply-templates select="pool"/>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/doctor">
    <xsl:text>{"format":1,"checks":[</xsl:text>
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
    <xsl:text>{"format":1,"guest":</xsl:text>
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
    <xsl:text>{"format":1,"events":[</xsl:text>
    <xsl:for-each select="event">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:text>{</xsl:text>
      <xsl:call-template name="strings">
        <xsl:with-param name="names" select="'time event guest uuid address pf'"/>
      </xsl:call-template>
      <xsl:text>,"vf":</xsl:text>
      <xsl:call-template name="number">
        <xsl:with-param name="value" select="@vf"/>
      </xsl:call-template>
      <xsl:text>,</xsl:text>
      <xsl:call-template name="strings">
        <xsl:with-param name="names" select="'pool mac reason actor'"/>
      </xsl:call-template>
      <xsl:text>}</xsl:text>
    </xsl:for-each>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/needs">
    <xsl:text>{"format":1,"guests":[</xsl:text>
    <xsl:for-each select="guest">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:text>{</xsl:text>
      <xsl:call-template name="strings">
        <xsl:with-param name="names" select="'name uuid'"/>
      </xsl:call-template>
      <xsl:text>,"pools":[</xsl:text>
      <xsl:for-each select="pool">
        <xsl:if test="position() &gt; 1">,</xsl:if>
        <xsl:text>{"name":</xsl:text>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="@name"/>
        </xsl:call-template>
        <xsl:value-of select="concat(',&quot;vfs&quot;:', @vfs, '}')"/>
      </xsl:for-each>
      <xsl:text>]}</xsl:text>
    </xsl:for-each>
    <xsl:text>]}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/report">
    <xsl:value-of select="concat('{&quot;format&quot;:1,&quot;changed&quot;:', @changed = 'yes', ',&quot;done&quot;:[')"/>
    <xsl:call-template name="list">
      <xsl:with-param name="nodes" select="done"/>
    </xsl:call-template>
    <xsl:text>],"notes":[</xsl:text>
    <xsl:call-template name="list">
      <xsl:with-param name="nodes" select="note"/>
    </xsl:call-template>
    <xsl:text>],"error":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="error"/>
    </xsl:call-template>
    <xsl:text>}&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="interface">
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:value-of select="concat('{&quot;number&quot;:', @number)"/>
    <xsl:text>,</xsl:text>
    <xsl:call-template name="strings">
      <xsl:with-param name="names" select="'pool mac decided'"/>
    </xsl:call-template>
    <xsl:text>,"policy":</xsl:text>
    <xsl:call-template name="policy">
      <xsl:with-param name="words" select="@policy"/>
    </xsl:call-template>
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
    <xsl:text>,"fault":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@fault"/>
    </xsl:call-template>
    <xsl:text>,"missing":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="missing"/>
    </xsl:call-template>
    <xsl:text>,"notes":[</xsl:text>
    <xsl:call-template name="list">
      <xsl:with-param name="nodes" select="note"/>
    </xsl:call-template>
    <xsl:text>],"policy":</xsl:text>
    <xsl:call-template name="policy">
      <xsl:with-param name="words" select="@policy"/>
    </xsl:call-template>
    <xsl:text>,"capacity":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@capacity"/>
    </xsl:call-template>
    <xsl:text>,"offered":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@offered"/>
    </xsl:call-template>
    <xsl:text>,"pfs":[</xsl:text>
    <xsl:apply-templates select="pf"/>
    <xsl:text>]</xsl:text>
    <xsl:text>,"vfs":[</xsl:text>
    <xsl:apply-templates select="vf"/>
    <xsl:text>]}</xsl:text>
  </xsl:template>

  <xsl:template match="pf">
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:text>{</xsl:text>
    <xsl:call-template name="strings">
      <xsl:with-param name="names" select="'name address'"/>
    </xsl:call-template>
    <xsl:text>,"numa":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@numa"/>
    </xsl:call-template>
    <xsl:text>,"up":</xsl:text>
    <xsl:call-template name="truth">
      <xsl:with-param name="value" select="@up"/>
    </xsl:call-template>
    <xsl:text>,"carrier":</xsl:text>
    <xsl:call-template name="truth">
      <xsl:with-param name="value" select="@carrier"/>
    </xsl:call-template>
    <xsl:text>,"speed":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@speed"/>
    </xsl:call-template>
    <xsl:text>,"vfs_made":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@made"/>
    </xsl:call-template>
    <xsl:text>,"vfs_total":</xsl:text>
    <xsl:call-template name="number">
      <xsl:with-param name="value" select="@total"/>
    </xsl:call-template>
    <xsl:text>}</xsl:text>
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
    <xsl:text>,"driver":</xsl:text>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@driver"/>
    </xsl:call-template>
    <xsl:text>,"settings":</xsl:text>
    <xsl:if test="not(settings)">null</xsl:if>
    <xsl:apply-templates select="settings"/>
    <xsl:text>}</xsl:text>
  </xsl:template>

  <xsl:template match="settings">
    <xsl:text>{"mac":</xsl:text>
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

  <!-- Attributes of these names, as members that are strings. -->
  <xsl:template name="strings">
    <xsl:param name="names"/>
    <xsl:variable name="name" select="substring-before(concat($names, ' '), ' ')"/>
    <xsl:variable name="rest" select="substring-after($names, ' ')"/>
    <xsl:value-of select="concat('&quot;', $name, '&quot;:')"/>
    <xsl:call-template name="string">
      <xsl:with-param name="value" select="@*[name() = $name]"/>
    </xsl:call-template>
    <xsl:if test="$rest">
      <xsl:text>,</xsl:text>
      <xsl:call-template name="strings">
        <xsl:with-param name="names" select="$rest"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <!-- Each node's text, as a string. -->
  <xsl:template name="list">
    <xsl:param name="nodes"/>
    <xsl:for-each select="$nodes">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:call-template name="string">
        <xsl:with-param name="value" select="."/>
      </xsl:call-template>
    </xsl:for-each>
  </xsl:template>

  <!-- Policies, "name='value' name='value'", as an object. -->
  <xsl:template name="policy">
    <xsl:param name="words"/>
    <xsl:choose>
      <xsl:when test="string($words)">
        <xsl:text>{</xsl:text>
        <xsl:call-template name="policies">
          <xsl:with-param name="words" select="$words"/>
        </xsl:call-template>
        <xsl:text>}</xsl:text>
      </xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="policies">
    <xsl:param name="words"/>
    <xsl:variable name="word" select="substring-before(concat($words, ' '), ' ')"/>
    <xsl:variable name="rest" select="substring-after($words, ' ')"/>
    <xsl:variable name="value" select="translate(substring-after($word, '='), &quot;'&quot;, '')"/>
    <xsl:value-of select="concat('&quot;', substring-before($word, '='), '&quot;:')"/>
    <xsl:choose>
      <xsl:when test="starts-with($word, 'sticky=')">
        <xsl:value-of select="$value = 'yes'"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:call-template name="string">
          <xsl:with-param name="value" select="$value"/>
        </xsl:call-template>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:if test="$rest">
      <xsl:text>,</xsl:text>
      <xsl:call-template name="policies">
        <xsl:with-param name="words" select="$rest"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template name="number">
    <xsl:param name="value"/>
    <xsl:choose>
      <xsl:when test="$value">
        <xsl:value-of select="$value"/>
      </xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
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
