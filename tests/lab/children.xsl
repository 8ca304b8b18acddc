<?xml version="1.0"?>
<!-- Of libvirt's domaincommon.rng: the children that an interface may have, a line each. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:rng="http://relaxng.org/ns/structure/1.0">
  <xsl:output method="text"/>
  <xsl:variable name="all" select="/ | document(//rng:include/@href, /)"/>

  <xsl:template match="/">
    <xsl:apply-templates select="//rng:define[@name = 'interface']//rng:element[@name = 'interface']/*"/>
  </xsl:template>
  <xsl:template match="rng:element">
    <xsl:value-of select="concat(@name, '&#10;')"/>
  </xsl:template>
  <xsl:template match="rng:ref">
    <xsl:apply-templates select="$all//rng:define[@name = current()/@name]/*"/>
  </xsl:template>
  <xsl:template match="rng:attribute | text()"/>
</xsl:stylesheet>
