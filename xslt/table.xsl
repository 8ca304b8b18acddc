<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  The status document (lib/admin/status.h), an explanation (lib/admin/explain.h), the history (lib/ledger/history.h) and what the doctor
  (lib/admin/doctor.h) found, as tables for a terminal.

  $escape is the escape character where colours are wanted, and empty elsewhere: XML cannot hold it.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="escape"/>

  <!-- What a guest's name must not do to a terminal: line breaks, DEL and the C1 controls. -->
  <xsl:variable name="controls">&#9;&#10;&#13;&#127;&#128;&#129;&#130;&#131;&#132;&#133;&#134;&#135;&#136;&#137;&#138;&#139;&#140;&#141;&#142;&#143;&#144;&#145;&#146;&#147;&#148;&#149;&#150;&#151;&#152;&#153;&#154;&#155;&#156;&#157;&#158;&#159;</xsl:variable>
  <xsl:variable name="quote">'</xsl:variable>
  <xsl:variable name="spaces" select="'                                '"/>

  <xsl:key name="pf" match="vf" use="concat(generate-id(..), @pf)"/>
  <xsl:key name="state" match="vf" use="concat(generate-id(..), @pf, ' ', @state)"/>

  <xsl:template match="/status">
    <xsl:if test="not(pool)">There are no pools: /etc/vfpool has no pool files.&#10;</xsl:if>
    <xsl:for-each select="pool">
      <xsl:if test="position() &gt; 1">
        <xsl:text>&#10;</xsl:text>
      </xsl:if>
      <xsl:apply-templates select="."/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="pool">
    <!-- The longest of the names, so that the columns line up. -->
    <xsl:variable name="width">
      <xsl:for-each select="pf/@name | vf/@pf">
        <xsl:sort select="string-length()" data-type="number" order="descending"/>
        <xsl:if test="position() = 1">
          <xsl:value-of select="string-length() + 2"/>
        </xsl:if>
      </xsl:for-each>
    </xsl:variable>
    <xsl:call-template name="coloured">
      <xsl:with-param name="code">1</xsl:with-param>
      <xsl:with-param name="text" select="concat('pool ', translate(@name, $controls, ' '))"/>
    </xsl:call-template>
    <xsl:text>&#10;</xsl:text>
    <xsl:if test="@fault">
      <xsl:call-template name="coloured">
        <xsl:with-param name="code">31</xsl:with-param>
        <xsl:with-param name="text">out of service</xsl:with-param>
      </xsl:call-template>
      <xsl:value-of select="concat(': ', translate(@fault, $controls, ' '), '&#10;')"/>
    </xsl:if>
    <xsl:if test="vf">
      <xsl:value-of select="concat('ADDRESS       ', substring(concat('PF', $spaces), 1, $width),
                                   ' VF  STATE        MAC                SINCE                 GUEST&#10;')"/>
    </xsl:if>
    <xsl:for-each select="vf">
      <xsl:value-of select="concat(@address, '  ', substring(concat(@pf, $spaces), 1, $width))"/>
      <xsl:value-of select="concat(substring('   ', 1 + string-length(@vf)), @vf, '  ')"/>
      <xsl:call-template name="coloured">
        <xsl:with-param name="code">
          <xsl:choose>
            <xsl:when test="@state = 'free'">32</xsl:when>
            <xsl:when test="@state = 'claimed' or @state = 'drained'">33</xsl:when>
            <xsl:when test="@state = 'held'">36</xsl:when>
            <xsl:when test="@state = 'quarantined'">35</xsl:when>
            <xsl:otherwise>31</xsl:otherwise>
          </xsl:choose>
        </xsl:with-param>
        <xsl:with-param name="text" select="@state"/>
      </xsl:call-template>
      <xsl:if test="guest or @reason">
        <xsl:value-of select="substring('             ', 1 + string-length(@state))"/>
      </xsl:if>
      <xsl:if test="guest">
        <xsl:value-of select="concat(substring(concat(@mac, '-', $spaces), 1, 17), '  ', @since, '  ')"/>
        <xsl:value-of select="concat(translate(guest/@name, $controls, ' '), '  ', guest/@uuid)"/>
      </xsl:if>
      <xsl:if test="guest and @reason">
        <xsl:text>  </xsl:text>
      </xsl:if>
      <xsl:value-of select="concat(@reason, '&#10;')"/>
      <xsl:apply-templates select="settings"/>
    </xsl:for-each>
    <xsl:apply-templates select="pf">
      <xsl:with-param name="width" select="$width"/>
    </xsl:apply-templates>
    <xsl:for-each select="missing | note">
      <xsl:value-of select="concat(name(), ': ', ., '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <!-- In the words of "ip link show", what is not known left out. -->
  <xsl:template match="settings">
    <xsl:text>              </xsl:text>
    <xsl:value-of select="concat('mac ', @mac)"/>
    <xsl:if test="@protocol">
      <xsl:value-of select="concat(', vlan ', @vlan, ' qos ', @qos, ' ', @protocol)"/>
    </xsl:if>
    <xsl:if test="@min-rate &gt; 0">
      <xsl:value-of select="concat(', tx rate at least ', @min-rate, ' Mbit/s')"/>
    </xsl:if>
    <xsl:if test="@max-rate &gt; 0">
      <xsl:value-of select="concat(', tx rate at most ', @max-rate, ' Mbit/s')"/>
    </xsl:if>
    <xsl:for-each select="@spoof-check | @trust | @query-rss">
      <xsl:value-of select="concat(', ', translate(name(), '-', ' '), ' ', substring('onoff', 1 + 2 * (. = 'no'), 2 + (. = 'no')))"/>
    </xsl:for-each>
    <xsl:if test="@link-state">
      <xsl:value-of select="concat(', link state ', @link-state)"/>
    </xsl:if>
    <xsl:if test="@ours">
      <xsl:value-of select="concat(' (set by vfpool: ', @ours, ')')"/>
    </xsl:if>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="pf">
    <xsl:param name="width"/>
    <xsl:variable name="pool" select="generate-id(..)"/>
    <xsl:variable name="pf" select="@name"/>
    <xsl:value-of select="concat('total         ', substring(concat(@name, $spaces), 1, $width))"/>
    <xsl:variable name="count" select="count(key('pf', concat($pool, $pf)))"/>
    <xsl:value-of select="concat(substring('   ', 1 + string-length($count)), $count, '  ')"/>
    <xsl:if test="$count = 0">none in the pool</xsl:if>
    <xsl:for-each select="key('pf', concat($pool, $pf))
                          [generate-id() = generate-id(key('state', concat($pool, $pf, ' ', @state))[1])]">
      <xsl:sort select="@state"/>
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="concat(count(key('state', concat($pool, $pf, ' ', @state))), ' ', @state)"/>
    </xsl:for-each>
    <xsl:if test="@numa">
      <xsl:value-of select="concat(', NUMA node ', @numa)"/>
    </xsl:if>
    <xsl:if test="@up = 'no'">, down</xsl:if>
    <xsl:text>&#10;</xsl:text>
  </xsl:template>

  <xsl:template match="/doctor">
    <xsl:if test="not(check)">There is nothing to check.&#10;</xsl:if>
    <xsl:for-each select="check">
      <xsl:call-template name="coloured">
        <xsl:with-param name="code">
          <xsl:choose>
            <xsl:when test="@verdict = 'ok'">32</xsl:when>
            <xsl:when test="@verdict = 'warning'">33</xsl:when>
            <xsl:otherwise>31</xsl:otherwise>
          </xsl:choose>
        </xsl:with-param>
        <xsl:with-param name="text" select="substring(concat(@verdict, $spaces), 1, 9)"/>
      </xsl:call-template>
      <xsl:value-of select="concat(substring(concat(@name, $spaces), 1, 18), @finding, '&#10;')"/>
      <xsl:if test="@remedy">
        <xsl:value-of select="concat(substring($spaces, 1, 27), 'mend: ', @remedy, '&#10;')"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="/explanation">
    <xsl:if test="not(interface)">
      <xsl:value-of select="concat('guest ', translate(@guest, $controls, ' '), ' asks for no VF of a pool&#10;')"/>
    </xsl:if>
    <xsl:for-each select="interface">
      <xsl:if test="position() &gt; 1">
        <xsl:text>&#10;</xsl:text>
      </xsl:if>
      <xsl:apply-templates select="."/>
    </xsl:for-each>
    <xsl:for-each select="failure">
      <xsl:value-of select="concat('&#10;', translate(., $controls, ' '), '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="interface">
    <xsl:variable name="width">
      <xsl:for-each select="vf/@pf">
        <xsl:sort select="string-length()" data-type="number" order="descending"/>
        <xsl:if test="position() = 1">
          <xsl:value-of select="string-length() + 2"/>
        </xsl:if>
      </xsl:for-each>
    </xsl:variable>
    <xsl:call-template name="coloured">
      <xsl:with-param name="code">1</xsl:with-param>
      <xsl:with-param name="text" select="concat('guest ', translate(../@guest, $controls, ' '), ', interface ', @number,
                                                 ', pool ', translate(@pool, $controls, ' '))"/>
    </xsl:call-template>
    <xsl:if test="@policy">
      <xsl:value-of select="concat(' (', @policy, ')')"/>
    </xsl:if>
    <xsl:if test="@decided">
      <xsl:value-of select="concat(', decided ', @decided)"/>
    </xsl:if>
    <xsl:value-of select="concat('&#10;ADDRESS       ', substring(concat('PF', $spaces), 1, $width), ' VF&#10;')"/>
    <xsl:for-each select="vf">
      <xsl:value-of select="concat(@address, '  ',
                                   substring(concat(@pf, $spaces), 1, $width),
                                   substring('   ', 1 + string-length(@vf)), @vf, '  ')"/>
      <xsl:if test="@chosen">
        <xsl:call-template name="coloured">
          <xsl:with-param name="code">32</xsl:with-param>
          <xsl:with-param name="text">chosen</xsl:with-param>
        </xsl:call-template>
        <xsl:if test="@reason">: </xsl:if>
      </xsl:if>
      <xsl:value-of select="concat(translate(@reason, $controls, ' '), '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="/history">
    <xsl:choose>
      <xsl:when test="event"/>
      <xsl:when test="@of">
        <xsl:value-of select="concat('Nothing is known of ', $quote, translate(@of, $controls, ' '), $quote, '.&#10;')"/>
      </xsl:when>
      <xsl:otherwise>Nothing has happened yet.&#10;</xsl:otherwise>
    </xsl:choose>
    <!-- A line that fits 80 columns, and one for what need not. -->
    <xsl:for-each select="event">
      <xsl:value-of select="concat(@time, '  ', substring(concat(@event, $spaces), 1, 11))"/>
      <xsl:if test="@address">
        <xsl:value-of select="concat('  ', @address, '  ', translate(@pf, $controls, ' '))"/>
        <xsl:if test="@vf">
          <xsl:value-of select="concat(' ', @vf)"/>
        </xsl:if>
      </xsl:if>
      <xsl:if test="@guest">
        <xsl:value-of select="concat('  ', translate(@guest, $controls, ' '))"/>
      </xsl:if>
      <xsl:text>&#10;</xsl:text>
      <xsl:variable name="actor">
        <xsl:if test="@actor != 'libvirt'">
          <xsl:value-of select="concat('by ', translate(@actor, $controls, ' '))"/>
        </xsl:if>
      </xsl:variable>
      <xsl:if test="@reason or $actor != ''">
        <xsl:value-of select="concat('    ', $actor, substring(': ', 1, 2 * number($actor != '' and @reason)), translate(@reason, $controls, ' '), '&#10;')"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="coloured">
    <xsl:param name="code"/>
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="$escape">
        <xsl:value-of select="concat($escape, '[', $code, 'm', $text, $escape, '[0m')"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="$text"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
