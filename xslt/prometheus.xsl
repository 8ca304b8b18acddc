<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  What there is to measure (lib/admin/metrics.h), in Prometheus' text format, as node_exporter's textfile collector
  reads it (https://prometheus.io/docs/instrumenting/exposition_formats/).

  Each state of each PF has its line, also with 0: what is not there cannot be compared. Bases: seconds, VFs.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>

  <xsl:key name="pf" match="vf" use="concat(generate-id(..), @pf)"/>
  <xsl:key name="named" match="pf" use="concat(generate-id(..), @name)"/>
  <xsl:key name="state" match="vf" use="concat(generate-id(..), @pf, ' ', @state)"/>
  <xsl:key name="guest" match="guest" use="concat(generate-id(../..), @uuid)"/>
  <xsl:key name="check" match="check" use="@name"/>

  <xsl:template match="/metrics">
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_info</xsl:with-param>
      <xsl:with-param name="help">The vfpool that wrote this.</xsl:with-param>
    </xsl:call-template>
    <xsl:text>vfpool_info{version=</xsl:text>
    <xsl:call-template name="label">
      <xsl:with-param name="value" select="@version"/>
    </xsl:call-template>
    <xsl:text>} 1&#10;</xsl:text>
    <xsl:apply-templates select="status"/>
    <xsl:call-template name="counts"/>
    <xsl:call-template name="hooks"/>
    <xsl:apply-templates select="doctor"/>
  </xsl:template>

  <xsl:template match="status">
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_pool_in_service</xsl:with-param>
      <xsl:with-param name="help">Whether guests can get VFs of the pool; 0: its pool file is wrong or gone.</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="pool">
      <xsl:text>vfpool_pool_in_service{pool=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="@name"/>
      </xsl:call-template>
      <xsl:value-of select="concat('} ', number(not(@fault)), '&#10;')"/>
    </xsl:for-each>
    <xsl:if test="pool/@offered">
      <xsl:call-template name="family">
        <xsl:with-param name="name">vfpool_pool_offered_vfs</xsl:with-param>
        <xsl:with-param name="help">VFs that libvirt may give away by itself, also to running guests.</xsl:with-param>
      </xsl:call-template>
    </xsl:if>
    <xsl:for-each select="pool[@offered]">
      <xsl:text>vfpool_pool_offered_vfs{pool=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="@name"/>
      </xsl:call-template>
      <xsl:value-of select="concat('} ', @offered, '&#10;')"/>
    </xsl:for-each>
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_pool_guests</xsl:with-param>
      <xsl:with-param name="help">Guests that have VFs of the pool.</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="pool">
      <xsl:variable name="pool" select="generate-id()"/>
      <xsl:text>vfpool_pool_guests{pool=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="@name"/>
      </xsl:call-template>
      <xsl:value-of select="concat('} ', count(vf/guest[generate-id() = generate-id(key('guest', concat($pool, @uuid))[1])]), '&#10;')"/>
    </xsl:for-each>
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_vfs</xsl:with-param>
      <xsl:with-param name="help">VFs by their state.</xsl:with-param>
    </xsl:call-template>
    <!-- Guests may hold VFs of a PF that the pool does not have any more. -->
    <xsl:for-each select="pool/pf | pool/vf[not(key('named', concat(generate-id(..), @pf))) and
                                            generate-id() = generate-id(key('pf', concat(generate-id(..), @pf))[1])]">
      <xsl:call-template name="states">
        <xsl:with-param name="pf" select="@name | @pf"/>
        <xsl:with-param name="names">free claimed held drained unusable quarantined </xsl:with-param>
      </xsl:call-template>
    </xsl:for-each>
    <xsl:call-template name="links">
      <xsl:with-param name="name">up</xsl:with-param>
      <xsl:with-param name="help">Whether the PF is up.</xsl:with-param>
    </xsl:call-template>
    <xsl:call-template name="links">
      <xsl:with-param name="name">carrier</xsl:with-param>
      <xsl:with-param name="help">Whether the PF has a link.</xsl:with-param>
    </xsl:call-template>
  </xsl:template>

  <xsl:template name="states">
    <xsl:param name="pf"/>
    <xsl:param name="names"/>
    <xsl:variable name="name" select="substring-before($names, ' ')"/>
    <xsl:if test="$name">
      <xsl:text>vfpool_vfs{pool=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="../@name"/>
      </xsl:call-template>
      <xsl:text>,pf=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="$pf"/>
      </xsl:call-template>
      <xsl:value-of select="concat(',state=&quot;', $name, '&quot;} ', count(key('state', concat(generate-id(..), $pf, ' ', $name))), '&#10;')"/>
      <xsl:call-template name="states">
        <xsl:with-param name="pf" select="$pf"/>
        <xsl:with-param name="names" select="substring-after($names, ' ')"/>
      </xsl:call-template>
    </xsl:if>
  </xsl:template>

  <xsl:template name="links">
    <xsl:param name="name"/>
    <xsl:param name="help"/>
    <xsl:if test="pool/pf/@*[name() = $name]">
      <xsl:call-template name="family">
        <xsl:with-param name="name" select="concat('vfpool_pf_', $name)"/>
        <xsl:with-param name="help" select="$help"/>
      </xsl:call-template>
    </xsl:if>
    <xsl:for-each select="pool/pf[@*[name() = $name]]">
      <xsl:value-of select="concat('vfpool_pf_', $name, '{pool=')"/>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="../@name"/>
      </xsl:call-template>
      <xsl:text>,pf=</xsl:text>
      <xsl:call-template name="label">
        <xsl:with-param name="value" select="@name"/>
      </xsl:call-template>
      <xsl:value-of select="concat('} ', number(@*[name() = $name] = 'yes'), '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="counts">
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_events_total</xsl:with-param>
      <xsl:with-param name="help">What the history tells of, since the host booted.</xsl:with-param>
      <xsl:with-param name="type">counter</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="event">
      <xsl:value-of select="concat('vfpool_events_total{event=&quot;', @name, '&quot;} ', @count, '&#10;')"/>
    </xsl:for-each>
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_refusals_total</xsl:with-param>
      <xsl:with-param name="help">Guests that got no VF, since the host booted.</xsl:with-param>
      <xsl:with-param name="type">counter</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="refusal">
      <xsl:value-of select="concat('vfpool_refusals_total{reason=&quot;', @name, '&quot;} ', @count, '&#10;')"/>
    </xsl:for-each>
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_settlings_total</xsl:with-param>
      <xsl:with-param name="help">How often hooks had free VFs offered again, since the host booted.</xsl:with-param>
      <xsl:with-param name="type">counter</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="settling">
      <xsl:value-of select="concat('vfpool_settlings_total{result=&quot;', @name, '&quot;} ', @count, '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="hooks">
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_hook_duration_seconds</xsl:with-param>
      <xsl:with-param name="help">How long the hook took of guests that are concerned, waits included.</xsl:with-param>
      <xsl:with-param name="type">histogram</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="hook">
      <xsl:variable name="operation" select="concat('operation=&quot;', @operation, '&quot;')"/>
      <xsl:for-each select="bucket">
        <xsl:value-of select="concat('vfpool_hook_duration_seconds_bucket{', $operation, ',le=&quot;', @le, '&quot;} ', @count, '&#10;')"/>
      </xsl:for-each>
      <xsl:value-of select="concat('vfpool_hook_duration_seconds_bucket{', $operation, ',le=&quot;+Inf&quot;} ', @count, '&#10;',
                                   'vfpool_hook_duration_seconds_sum{', $operation, '} ', @seconds, '&#10;',
                                   'vfpool_hook_duration_seconds_count{', $operation, '} ', @count, '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template match="doctor">
    <xsl:call-template name="family">
      <xsl:with-param name="name">vfpool_doctor_verdict</xsl:with-param>
      <xsl:with-param name="help">What vfpool doctor says of each of its checks: 0 ok, 1 warning, 2 wrong.</xsl:with-param>
    </xsl:call-template>
    <xsl:for-each select="check[generate-id() = generate-id(key('check', @name)[1])]">
      <xsl:variable name="all" select="key('check', @name)"/>
      <xsl:value-of select="concat('vfpool_doctor_verdict{check=&quot;', @name, '&quot;} ',
                                   2 * boolean($all[@verdict = 'wrong']) +
                                   (not($all[@verdict = 'wrong']) and boolean($all[@verdict = 'warning'])), '&#10;')"/>
    </xsl:for-each>
  </xsl:template>

  <xsl:template name="family">
    <xsl:param name="name"/>
    <xsl:param name="help"/>
    <xsl:param name="type">gauge</xsl:param>
    <xsl:value-of select="concat('# HELP ', $name, ' ', $help, '&#10;# TYPE ', $name, ' ', $type, '&#10;')"/>
  </xsl:template>

  <!-- A label's value, quoted: backslash, quote and line feed are escaped. By halves, as json.xsl does it. -->
  <xsl:template name="label">
    <xsl:param name="value"/>
    <xsl:text>"</xsl:text>
    <xsl:call-template name="escape">
      <xsl:with-param name="text" select="string($value)"/>
    </xsl:call-template>
    <xsl:text>"</xsl:text>
  </xsl:template>

  <xsl:template name="escape">
    <xsl:param name="text"/>
    <xsl:variable name="half" select="floor(string-length($text) div 2)"/>
    <xsl:choose>
      <xsl:when test="translate($text, '&quot;\&#10;', '') = $text">
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
        <xsl:value-of select="concat('\', translate($text, '&#10;', 'n'))"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
