<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  What guests ask of pools (lib/admin/needs.h), as Pacemaker's utilization attributes: commands for crmsh ("crm -f FILE"),
  or for a shell where there is pcs, as $form says. A resource has its guest's name; a pool's attribute is vfpool-NAME, as
  the agent ocf:vfpool:pool sets it of nodes.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="UTF-8"/>
  <xsl:param name="form"/>

  <xsl:variable name="plain">abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-</xsl:variable>
  <xsl:variable name="quote">'</xsl:variable>

  <xsl:template match="/needs">
    <xsl:apply-templates select="guest[pool]"/>
  </xsl:template>

  <xsl:template match="guest">
    <xsl:choose>
      <xsl:when test="$form = 'pcs'">
        <xsl:text>pcs resource utilization </xsl:text>
        <xsl:call-template name="word">
          <xsl:with-param name="text" select="@name"/>
        </xsl:call-template>
        <xsl:for-each select="pool">
          <xsl:text> </xsl:text>
          <xsl:call-template name="word">
            <xsl:with-param name="text" select="concat('vfpool-', @name)"/>
          </xsl:call-template>
          <xsl:value-of select="concat('=', @vfs)"/>
        </xsl:for-each>
        <xsl:text>&#10;</xsl:text>
      </xsl:when>
      <xsl:otherwise>
        <xsl:for-each select="pool">
          <xsl:text>resource utilization </xsl:text>
          <xsl:call-template name="word">
            <xsl:with-param name="text" select="../@name"/>
          </xsl:call-template>
          <xsl:text> set </xsl:text>
          <xsl:call-template name="word">
            <xsl:with-param name="text" select="concat('vfpool-', @name)"/>
          </xsl:call-template>
          <xsl:value-of select="concat(' ', @vfs, '&#10;')"/>
        </xsl:for-each>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <!-- One word for a shell, whatever is in it; crmsh reads quotes as a shell does. -->
  <xsl:template name="word">
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="$text != '' and translate($text, $plain, '') = ''">
        <xsl:value-of select="$text"/>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="$quote"/>
        <xsl:call-template name="quoted">
          <xsl:with-param name="text" select="$text"/>
        </xsl:call-template>
        <xsl:value-of select="$quote"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template name="quoted">
    <xsl:param name="text"/>
    <xsl:choose>
      <xsl:when test="contains($text, $quote)">
        <xsl:value-of select="concat(substring-before($text, $quote), $quote, '\', $quote, $quote)"/>
        <xsl:call-template name="quoted">
          <xsl:with-param name="text" select="substring-after($text, $quote)"/>
        </xsl:call-template>
      </xsl:when>
      <xsl:otherwise>
        <xsl:value-of select="$text"/>
      </xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
