<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  The status document (lib/admin/status.h), an explanation (lib/admin/explain.h), the history (lib/ledger/history.h) and what the doctor
  (lib/admin/doctor.h) found, as tables for a terminal.

  $escape is the escape character where colours are wanted, and empty elsewhere: XML cannot hold it. $width is how many
  columns a line should have, 0 for any number. $view is "wide" for all columns, a row a VF; "summary" for a row a PF.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="escape"/>
  <xsl:param name="width" select="0"/>
  <xsl:param name="view"/>

  <!-- What a guest's name must not do to a terminal: line breaks, DEL and the C1 controls. -->
  <xsl:variable name="controls">&#9;&#10;&#13;&#127;&#128;&#129;&#130;&#131;&#132;&#133;&#134;&#135;&#136;&#137;&#138;&#139;&#140;&#141;&#142;&#143;&#144;&#145;&#146;&#147;&#148;&#149;&#150;&#151;&#152;&#153;&#154;&#155;&#156;&#157;&#158;&#159;</xsl:variable>
  <xsl:variable name="quote">'</xsl:variable>
  <xsl:variable name="spaces" select="'                                                                '"/>

  <xsl:key name="pf" match="vf" use="concat(generate-id(..), @pf)"/>
  <xsl:key name="state" match="vf" use="concat(generate-id(..), @pf, ' ', @state)"/>
  <!-- VFs of one PF and one reason, in the explanation of one interface, and each of these. -->
  <xsl:key name="alike" match="interface/vf" use="concat(generate-id(..), @pf, ' ', @chosen, ' ', @reason)"/>
  <xsl:key name="place" match="interface/vf" use="concat(generate-id(..), @pf, ' ', @vf, ' ', @chosen, ' ', @reason)"/>

  <xsl:template match="/status">
    <xsl:choose>
      <xsl:when test="pool"/>
      <xsl:when test="@filtered">No VF is like that.&#10;</xsl:when>
      <xsl:otherwise>There are no pools: /etc/vfpool has no pool files.&#10;</xsl:otherwise>
    </xsl:choose>
    <xsl:for-each select="pool">
      <xsl:if test="position() &gt; 1">
        <xsl:text>&#10;</xsl:text>
      </xsl:if>
      <xsl:apply-templates select="."/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="pool">
    <!-- The longest of the names, so that the columns line up. -->
    <xsl:variable name="name-width">
      <xsl:call-template name="longest">
        <xsl:with-param name="names" select="pf/@name | vf/@pf"/>
      </xsl:call-template>
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
      <xsl:text>: </xsl:text>
      <xsl:call-template name="wrapped">
        <xsl:with-param name="text" select="@fault"/>
        <xsl:with-param name="indent" select="16"/>
      </xsl:call-template>
    </xsl:if>
    <xsl:choose>
      <xsl:when test="$view = 'summary'">
        <xsl:apply-templates select="pf" mode="summary">
          <xsl:with-param name="name-width" select="$name-width"/>
        </xsl:apply-templates>
      </xsl:when>
      <xsl:otherwise>
        <xsl:if test="vf">
          <xsl:value-of select="concat('ADDRESS       ', substring(concat('PF', $spaces), 1, $name-width), ' VF  STATE        ')"/>
          <xsl:if test="$view = 'wide'">MAC                SINCE                 </xsl:if>
          <xsl:text>GUEST&#10;</xsl:text>
        </xsl:if>
        <xsl:apply-templates select="vf">
          <xsl:with-param name="name-width" select="$name-width"/>
        </xsl:apply-templates>
        <xsl:if test="not(../@filtered)">
          <xsl:apply-templates select="pf" mode="total">
            <xsl:with-param name="name-width" select="$name-width"/>
          </xsl:apply-templates>
        </xsl:if>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:for-each select="missing | note">
      <xsl:value-of select="concat(name(), ': ')"/>
      <xsl:call-template name="wrapped">
        <xsl:with-param name="text" select="."/>
        <xsl:with-param name="indent" select="string-length(name()) + 2"/>
      </xsl:call-template>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="pool/vf">
    <xsl:param name="name-width"/>
    <xsl:call-template name="place">
      <xsl:with-param name="name-width" select="$name-width"/>
    </xsl:call-template>
    <xsl:call-template name="coloured">
      <xsl:with-param name="code">
        <xsl:call-template name="state-code">
          <xsl:with-param name="state" select="@state"/>
        </xsl:call-template>
      </xsl:with-param>
      <xsl:with-param name="text" select="@state"/>
    </xsl:call-template>
    <xsl:variable name="rest">
      <xsl:if test="guest and $view = 'wide'">
        <xsl:value-of select="concat(substring(concat(@mac, '-', $spaces), 1, 17), '  ', @since, '  ')"/>
      </xsl:if>
      <xsl:value-of select="guest/@name"/>
      <xsl:if test="guest and $view = 'wide'">
        <xsl:value-of select="concat('  ', guest/@uuid)"/>
      </xsl:if>
      <xsl:if test="guest and @reason">
        <xsl:text>  </xsl:text>
      </xsl:if>
      <xsl:choose>
        <!-- What takes more than a line is said once. -->
        <xsl:when test="$width &gt; 0 and not(guest) and string-length(@reason) &gt; $width - $name-width - 32 and
                        preceding-sibling::vf[1][@pf = current()/@pf and @state = current()/@state and @reason = current()/@reason]">as above</xsl:when>
        <xsl:otherwise>
          <xsl:value-of select="@reason"/>
        </xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:choose>
      <xsl:when test="string($rest)">
        <xsl:value-of select="substring('             ', 1 + string-length(@state))"/>
        <xsl:call-template name="wrapped">
          <xsl:with-param name="text" select="string($rest)"/>
          <xsl:with-param name="indent" select="$name-width + 32"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:text>&#10;</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:apply-templates select="settings"/>
  </xsl:template>

  <!-- In the words of "ip link show", what is not known left out. -->
  <xsl:template match="settings">
    <xsl:variable name="words">
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
    </xsl:variable>
    <xsl:value-of select="substring($spaces, 1, 14)"/>
    <xsl:call-template name="wrapped">
      <xsl:with-param name="text" select="string($words)"/>
      <xsl:with-param name="indent" select="14"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template match="pf" mode="total">
    <xsl:param name="name-width"/>
    <xsl:variable name="count" select="count(key('pf', concat(generate-id(..), @name)))"/>
    <xsl:variable name="words">
      <xsl:call-template name="counts"/>
    </xsl:variable>
    <xsl:value-of select="concat('total         ', substring(concat(@name, $spaces), 1, $name-width),
                                 substring('   ', 1 + string-length($count)), $count, '  ')"/>
    <xsl:call-template name="wrapped">
      <xsl:with-param name="text" select="string($words)"/>
      <xsl:with-param name="indent" select="$name-width + 19"/>
    </xsl:call-template>
  </xsl:template>

  <!-- A letter a VF where there are few, else a part of the whole, and never nothing where there is something. -->
  <xsl:template match="pf" mode="summary">
    <xsl:param name="name-width"/>
    <xsl:variable name="pf" select="concat(generate-id(..), @name)"/>
    <xsl:variable name="count" select="count(key('pf', $pf))"/>
    <xsl:variable name="words">
      <xsl:call-template name="counts"/>
    </xsl:variable>
    <xsl:variable name="bar-width">
      <xsl:call-template name="longest-bar"/>
    </xsl:variable>
    <xsl:variable name="bar">
      <xsl:call-template name="bar">
        <xsl:with-param name="pf" select="$pf"/>
        <xsl:with-param name="count" select="$count"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:value-of select="concat(substring(concat(@name, $spaces), 1, $name-width),
                                 substring('   ', 1 + string-length($count)), $count, ' VF', substring('s ', 1 + ($count = 1), 1), '  [')"/>
    <xsl:call-template name="bar">
      <xsl:with-param name="pf" select="$pf"/>
      <xsl:with-param name="count" select="$count"/>
      <xsl:with-param name="coloured" select="true()"/>
    </xsl:call-template>
    <xsl:value-of select="concat(']', substring($spaces, 1, $bar-width - string-length($bar)), '  ')"/>
    <xsl:call-template name="wrapped">
      <xsl:with-param name="text" select="string($words)"/>
      <xsl:with-param name="indent" select="$name-width + $bar-width + 12"/>
    </xsl:call-template>
  </xsl:template>

  <!-- How long a bar is in this table at most: as many letters as the PF with the most VFs has, or 25. -->
  <xsl:template name="longest-bar">
    <xsl:variable name="pool" select="generate-id(..)"/>
    <xsl:for-each select="../pf">
      <xsl:sort select="count(key('pf', concat($pool, @name)))" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <xsl:variable name="most" select="count(key('pf', concat($pool, @name)))"/>
        <xsl:value-of select="($most &lt;= 20) * $most + ($most &gt; 20) * 25"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="bar">
    <xsl:param name="pf"/>
    <xsl:param name="count"/>
    <xsl:param name="coloured" select="false()"/>
    <xsl:call-template name="bar-part">
      <xsl:with-param name="pf" select="$pf"/>
      <xsl:with-param name="count" select="$count"/>
      <xsl:with-param name="coloured" select="$coloured"/>
      <xsl:with-param name="states" select="'held claimed quarantined unusable drained free '"/>
      <xsl:with-param name="letters" select="'#+!x-.'"/>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="bar-part">
    <xsl:param name="pf"/>
    <xsl:param name="count"/>
    <xsl:param name="coloured"/>
    <xsl:param name="states"/>
    <xsl:param name="letters"/>
    <xsl:if test="$letters != ''">
      <xsl:variable name="state" select="substring-before($states, ' ')"/>
      <xsl:variable name="own" select="count(key('state', concat($pf, ' ', $state)))"/>
      <xsl:variable name="length" select="($count &lt;= 20) * $own + ($count &gt; 20) * ceiling($own * 20 div ($count + ($count = 0)))"/>
      <xsl:variable name="part" select="substring(translate($spaces, ' ', substring($letters, 1, 1)), 1, $length)"/>
      <xsl:choose>
        <xsl:when test="$coloured and $part != ''">
          <xsl:call-template name="coloured">
            <xsl:with-param name="code">
              <xsl:call-template name="state-code">
                <xsl:with-param name="state" select="$state"/>
              </xsl:call-template>
            </xsl:with-param>
            <xsl:with-param name="text" select="$part"/>
          </xsl:call-template>
        </xsl:when>
        <xsl:otherwise>
          <xsl:value-of select="$part"/>
        </xsl:otherwise>
      </xsl:choose>
      <xsl:call-template name="bar-part">
        <xsl:with-param name="pf" select="$pf"/>
        <xsl:with-param name="count" select="$count"/>
        <xsl:with-param name="coloured" select="$coloured"/>
        <xsl:with-param name="states" select="substring-after($states, ' ')"/>
        <xsl:with-param name="letters" select="substring($letters, 2)"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <!-- Of a PF: "1 claimed, 3 free, NUMA node 0, down". -->
  <xsl:template name="counts">
    <xsl:variable name="pf" select="concat(generate-id(..), @name)"/>
    <xsl:if test="not(key('pf', $pf))">none in the pool</xsl:if>
    <xsl:for-each select="key('pf', $pf)[generate-id() = generate-id(key('state', concat($pf, ' ', @state))[1])]">
      <xsl:sort select="@state"/>
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="concat(count(key('state', concat($pf, ' ', @state))), ' ', @state)"/>
    </xsl:for-each>
    <xsl:if test="@numa">
      <xsl:value-of select="concat(', NUMA node ', @numa)"/>
    </xsl:if>
    <xsl:if test="@up = 'no'">, down</xsl:if>
  </xsl:template>

  <xsl:template name="state-code">
    <xsl:param name="state"/>
    <xsl:choose>
      <xsl:when test="$state = 'free'">32</xsl:when>
      <xsl:when test="$state = 'claimed' or $state = 'drained'">33</xsl:when>
      <xsl:when test="$state = 'held'">36</xsl:when>
      <xsl:when test="$state = 'quarantined'">35</xsl:when>
      <xsl:otherwise>31</xsl:otherwise>
    </xsl:choose>
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
      <xsl:value-of select="substring(concat(@name, $spaces), 1, 18)"/>
      <xsl:call-template name="wrapped">
        <xsl:with-param name="text" select="@finding"/>
        <xsl:with-param name="indent" select="27"/>
      </xsl:call-template>
      <xsl:if test="@remedy">
        <xsl:value-of select="concat(substring($spaces, 1, 27), 'mend: ')"/>
        <xsl:call-template name="wrapped">
          <xsl:with-param name="text" select="@remedy"/>
          <xsl:with-param name="indent" select="33"/>
        </xsl:call-template>
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
      <xsl:text>&#10;</xsl:text>
      <xsl:call-template name="wrapped">
        <xsl:with-param name="text" select="."/>
        <xsl:with-param name="indent" select="0"/>
      </xsl:call-template>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="interface">
    <xsl:variable name="name-width">
      <xsl:call-template name="longest">
        <xsl:with-param name="names" select="vf/@pf"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:variable name="title" select="concat('guest ', translate(../@guest, $controls, ' '), ', interface ', @number,
                                              ', pool ', translate(@pool, $controls, ' '))"/>
    <xsl:variable name="how">
      <xsl:if test="@policy">
        <xsl:value-of select="concat(' (', @policy, ')')"/>
      </xsl:if>
      <xsl:if test="@decided">
        <xsl:value-of select="concat(', decided ', @decided)"/>
      </xsl:if>
    </xsl:variable>
    <xsl:call-template name="coloured">
      <xsl:with-param name="code">1</xsl:with-param>
      <xsl:with-param name="text" select="$title"/>
    </xsl:call-template>
    <xsl:call-template name="wrapped">
      <xsl:with-param name="text" select="string($how)"/>
      <xsl:with-param name="indent" select="2"/>
      <xsl:with-param name="used" select="string-length($title)"/>
    </xsl:call-template>
    <xsl:choose>
      <xsl:when test="$view = 'wide' or count(vf) = 1">
        <xsl:value-of select="concat('ADDRESS       ', substring(concat('PF', $spaces), 1, $name-width), ' VF&#10;')"/>
        <xsl:for-each select="vf">
          <xsl:call-template name="place">
            <xsl:with-param name="name-width" select="$name-width"/>
          </xsl:call-template>
          <xsl:call-template name="reason">
            <xsl:with-param name="indent" select="$name-width + 19"/>
          </xsl:call-template>
        </xsl:for-each>
      </xsl:when>
      <xsl:otherwise>
        <!-- The first of those that are alike stands for them. -->
        <xsl:for-each select="vf[generate-id() = generate-id(key('alike', concat(generate-id(..), @pf, ' ', @chosen, ' ', @reason))[1])]">
          <xsl:variable name="vfs">
            <xsl:call-template name="ranges">
              <xsl:with-param name="vfs" select="key('alike', concat(generate-id(..), @pf, ' ', @chosen, ' ', @reason))"/>
            </xsl:call-template>
          </xsl:variable>
          <xsl:value-of select="concat(substring(concat(@pf, $spaces), 1, $name-width), $vfs, ': ')"/>
          <xsl:call-template name="reason">
            <xsl:with-param name="indent" select="$name-width + string-length($vfs) + 2"/>
          </xsl:call-template>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="reason">
    <xsl:param name="indent"/>
    <xsl:if test="@chosen">
      <xsl:call-template name="coloured">
        <xsl:with-param name="code">32</xsl:with-param>
        <xsl:with-param name="text">chosen</xsl:with-param>
      </xsl:call-template>
      <xsl:if test="count(../vf) &gt; 1 and $view != 'wide'">
        <xsl:value-of select="concat(', ', @address)"/>
      </xsl:if>
      <xsl:if test="@reason">: </xsl:if>
    </xsl:if>
    <xsl:call-template name="wrapped">
      <xsl:with-param name="text" select="@reason"/>
      <xsl:with-param name="indent" select="$indent"/>
      <xsl:with-param name="used" select="$indent + 22 * boolean(@chosen)"/>
    </xsl:call-template>
  </xsl:template>

  <!-- "VF 0", "VFs 1-62, 64". -->
  <xsl:template name="ranges">
    <xsl:param name="vfs"/>
    <xsl:value-of select="concat('VF', substring('s', 1, count($vfs) &gt; 1), ' ')"/>
    <xsl:for-each select="$vfs[not(key('place', concat(generate-id(..), @pf, ' ', @vf - 1, ' ', @chosen, ' ', @reason)))]">
      <xsl:if test="position() &gt; 1">, </xsl:if>
      <xsl:value-of select="@vf"/>
      <xsl:variable name="last">
        <xsl:call-template name="last-of-range"/>
      </xsl:variable>
      <xsl:if test="$last != @vf">
        <xsl:value-of select="concat('-', $last)"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="last-of-range">
    <xsl:variable name="next" select="key('place', concat(generate-id(..), @pf, ' ', @vf + 1, ' ', @chosen, ' ', @reason))"/>
    <xsl:choose>
      <xsl:when test="$next">
        <xsl:for-each select="$next[1]">
          <xsl:call-template name="last-of-range"/>
        </xsl:for-each>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="@vf"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- Address, PF and number of a VF, as a row begins. -->
  <xsl:template name="place">
    <xsl:param name="name-width"/>
    <xsl:value-of select="concat(@address, '  ', substring(concat(@pf, $spaces), 1, $name-width),
                                 substring('   ', 1 + string-length(@vf)), @vf, '  ')"/>
  </xsl:template>

  <xsl:template match="/needs">
    <xsl:variable name="width">
      <xsl:call-template name="longest">
        <xsl:with-param name="names" select="guest/@name"/>
      </xsl:call-template>
    </xsl:variable>
    <xsl:value-of select="concat('GUEST', substring($spaces, 1, $width - 5), ' VFS  POOL&#10;')"/>
    <xsl:for-each select="guest/pool | guest[not(pool)]">
      <xsl:value-of select="concat(substring(concat(translate(ancestor-or-self::guest/@name, $controls, ' '), $spaces), 1, $width), ' ',
                                   substring(concat('  ', sum(@vfs)), string-length(sum(@vfs))))"/>
      <xsl:if test="self::pool">
        <xsl:value-of select="concat('  ', translate(@name, $controls, ' '))"/>
      </xsl:if>
      <xsl:text>&#10;</xsl:text>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="longest">
    <xsl:param name="names"/>
    <xsl:for-each select="$names">
      <xsl:sort select="string-length()" data-type="number" order="descending"/>
      <xsl:if test="position() = 1">
        <xsl:value-of select="string-length() + 2"/>
      </xsl:if>
    </xsl:for-each>
  </xsl:template>

  <!-- A text behind $used columns, and its line's end; what does not fit goes on below it, behind $indent spaces. -->
  <xsl:template name="wrapped">
    <xsl:param name="text"/>
    <xsl:param name="indent"/>
    <xsl:param name="used" select="$indent"/>
    <xsl:variable name="room" select="$width - $used"/>
    <xsl:variable name="words" select="translate($text, $controls, ' ')"/>
    <xsl:choose>
      <xsl:when test="$width = 0 or string-length($words) &lt;= $room or ($room &lt; 16 and $used = $indent)">
        <xsl:value-of select="concat($words, '&#10;')"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:variable name="break">
          <xsl:call-template name="break">
            <xsl:with-param name="text" select="$words"/>
            <xsl:with-param name="at" select="$room"/>
          </xsl:call-template>
        </xsl:variable>
        <xsl:variable name="rest" select="substring($words, $break + 2)"/>
        <xsl:value-of select="concat(substring($words, 1, $break), '&#10;')"/>
        <xsl:if test="$rest != ''">
          <xsl:value-of select="substring($spaces, 1, $indent)"/>
          <xsl:call-template name="wrapped">
            <xsl:with-param name="text" select="$rest"/>
            <xsl:with-param name="indent" select="$indent"/>
          </xsl:call-template>
        </xsl:if>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- How much of a text fits: up to its last space; what has none is a name, and in full. -->
  <xsl:template name="break">
    <xsl:param name="text"/>
    <xsl:param name="at"/>
    <xsl:choose>
      <xsl:when test="$at &gt; 0 and substring($text, $at + 1, 1) = ' '">
        <xsl:value-of select="$at"/>
      </xsl:when>
      <xsl:when test="$at &lt;= 0">
        <xsl:value-of select="string-length(substring-before(concat($text, ' '), ' '))"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:call-template name="break">
          <xsl:with-param name="text" select="$text"/>
          <xsl:with-param name="at" select="$at - 1"/>
        </xsl:call-template>
      </xsl:otherwise>
    </xsl:choose>
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
      <xsl:value-of select="concat(@time, '  ')"/>
      <xsl:call-template name="coloured">
        <xsl:with-param name="code">
          <xsl:choose>
            <xsl:when test="@event = 'refused' or @event = 'quarantined'">31</xsl:when>
            <xsl:when test="@event = 'returned' or @event = 'undrained'">32</xsl:when>
            <xsl:when test="@event = 'held'">36</xsl:when>
            <xsl:otherwise>33</xsl:otherwise>
          </xsl:choose>
        </xsl:with-param>
        <xsl:with-param name="text" select="substring(concat(@event, $spaces), 1, 11)"/>
      </xsl:call-template>
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
