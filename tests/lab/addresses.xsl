<?xml version="1.0"?>
<!-- The PCI addresses of VFs in libvirt's XML, one DDDD:BB:SS.F a line: of a live guest's hostdev interfaces, of a
     hostdev network, or of network ports (then with the port's UUID and owner in front). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text"/>
  <xsl:template match="/">
    <xsl:apply-templates select="//devices/interface[@type='hostdev']/source/address"/>
    <xsl:apply-templates select="//network/forward/address"/>
    <xsl:apply-templates select="//networkport"/>
  </xsl:template>
  <xsl:template match="networkport">
    <xsl:value-of select="concat(uuid, ' ', owner/name, ' ')"/>
    <xsl:apply-templates select="plug/address"/>
  </xsl:template>
  <xsl:template match="address">
    <xsl:value-of select="concat(substring(@domain, 3), ':', substring(@bus, 3), ':', substring(@slot, 3), '.',
                                 substring(@function, 3), '&#10;')"/>
  </xsl:template>
</xsl:stylesheet>
