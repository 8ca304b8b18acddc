<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!--
  A pool file as a network of libvirt's, with every VF's address. $form says for whom:

    dump     as libvirt shows an active network of its own (virsh net-dumpxml): with connections, and with each <pf>
    define   for libvirt to define: it takes no <pf> beside addresses, and only one
    compare  the same without what libvirt changes or does not act on, to see whether two networks are alike

  vfpool:given() is <vfs connections='N'><address type='pci' …/>…</vfs>, the VFs that the pool has on this host.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:vfpool="urn:vfpool:1"
                exclude-result-prefixes="vfpool">
  <xsl:output method="xml" encoding="UTF-8" omit-xml-declaration="yes" indent="yes"/>
  <xsl:strip-space elements="*"/>
  <xsl:param name="form">dump</xsl:param>

  <xsl:variable name="vfs" select="vfpool:given()"/>

  <xsl:template match="@*|node()">
    <xsl:copy>
      <xsl:apply-templates select="@*|node()"/>
    </xsl:copy>
  </xsl:template>

  <xsl:template match="/network">
    <network>
      <xsl:if test="$form = 'dump'">
        <xsl:attribute name="connections">
          <xsl:value-of select="$vfs/@connections"/>
        </xsl:attribute>
      </xsl:if>
      <xsl:apply-templates select="@*[name() != 'connections']"/>
      <xsl:apply-templates select="name"/>
      <xsl:if test="$form != 'compare'">
        <xsl:apply-templates select="uuid | title | description | metadata"/>
      </xsl:if>
      <xsl:apply-templates select="forward"/>
      <xsl:apply-templates select="vlan | virtualport | portgroup"/>
    </network>
  </xsl:template>

  <xsl:template match="/network/name/text()">
    <xsl:value-of select="normalize-space()"/>
  </xsl:template>

  <xsl:template match="/network/forward">
    <forward>
      <xsl:apply-templates select="@*"/>
      <xsl:apply-templates select="driver"/>
      <xsl:if test="$form = 'dump'">
        <xsl:apply-templates select="pf"/>
      </xsl:if>
      <xsl:copy-of select="$vfs/address"/>
    </forward>
  </xsl:template>
</xsl:stylesheet>
